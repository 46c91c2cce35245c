import type { Codec, Payload } from "./codec/codec.mjs";
import { StellarError } from "./errors.mjs";
import { type Resolved } from "./options.mjs";
import type { Connect, Transport } from "./transports/transport.mjs";
import type { State } from "./types.mjs";
/** What the state machine tells its owner. */
export interface ConnectionHost {
    /** The transport is open: sets the connection up; it counts as connected once this resolves. */
    _setUp(): Promise<unknown>;
    /** The connection is set up. */
    _ready(): void;
    /** An application message came in. */
    _message(message: any): void;
    /** The transport is gone: answers it owed will not come. */
    _lost(error: StellarError): void;
    /** An attempt to connect failed. */
    _failed(error: StellarError): void;
    /** Nothing more will be tried. */
    _ended(error: StellarError): void;
    /** The state may have changed. */
    _became(next: State, previous: State): void;
    /** To be told to listeners as it is. */
    _emit(name: string, ...args: unknown[]): void;
}
/** A connection that outlives its transports. */
export interface Connection {
    /** Where it is. */
    _state(): State;
    /** The transport in use, or being opened. */
    _transport(): Transport | null;
    /** Begins anew; a transport that exists is closed first. */
    _open(): void;
    /** Ends for good. */
    _close(): void;
    /** Sends one message, given as it is encoded and as it is. */
    _send(payload: Payload, message: unknown): void;
}
/**
 * The state machine of a connection: dials, watches the heartbeat, tries again. It knows the
 * Primus layer and nothing of requests or rooms.
 *
 * Every transport belongs to a round. Whatever ends a transport begins a new round, and
 * what a transport of an earlier round still tells is not heard.
 */
export declare function connection(host: ConnectionHost, options: Resolved, codec: Codec, connect: Connect): Connection;
