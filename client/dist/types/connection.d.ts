import type { Codec } from "./codec/codec";
import { StellarError } from "./errors";
import { type Resolved } from "./options";
import type { Connect, Transport } from "./transports/transport";
import type { State } from "./types";
/** What the state machine tells its owner. */
export interface ConnectionHost {
    /** The transport is open: sets the connection up; it counts as connected once this resolves. */
    _configure(): Promise<unknown>;
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
    /** To be told to listeners as it is. */
    _event(name: string, ...args: unknown[]): void;
}
/**
 * The state machine of one connection that outlives its transports: dials, watches the
 * heartbeat, tries again. It knows the Primus layer and nothing of requests or rooms.
 *
 * Every transport belongs to a round. Whatever ends a transport begins a new round, and
 * what a transport of an earlier round still tells is not heard.
 */
export declare class Connection {
    private _host;
    private _options;
    private _codec;
    private _connect;
    /** Where it is. */
    state: State;
    /** The transport in use, or being opened. */
    transport: Transport | null;
    private _round;
    private _attempt;
    /** The deadline of an attempt, or the wait for the next one. */
    private _timer;
    private _heartbeat;
    private _unwatch;
    constructor(_host: ConnectionHost, _options: Resolved, _codec: Codec, _connect: Connect);
    /** Begins anew; a transport that exists is closed first. */
    open(): void;
    /** Ends for good. */
    close(): void;
    private _become;
    private _dial;
    private _ready;
    private _data;
    /** Encodes and sends one message; throws if it cannot be encoded. */
    send(message: unknown): void;
    private _beat;
    /** Lets go of the transport: after this, nothing it tells is heard. */
    private _leave;
    private _fail;
    /** Dials now instead of later; `redial` also gives up an attempt that is under way. */
    private _again;
    private _end;
}
