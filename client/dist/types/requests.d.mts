import type { Payload } from "./codec/codec.mjs";
import { type RequestOptions } from "./deadline.mjs";
import { StellarError } from "./errors.mjs";
import type { Settle } from "./rooms.mjs";
import type { Answer } from "./types.mjs";
/** What requests need from what carries them. */
export interface RequestsHost {
    /** Requests go out when it is `connected`. */
    readonly state: string;
    /** Encodes one message; throws if it cannot be sent. */
    _pack(body: unknown): [message: any, payload: Payload];
    /** Sends one message. */
    _send(payload: Payload, message: unknown): void;
    /** Tells listeners. */
    _emit(name: string, ...args: unknown[]): void;
}
/** The bounds of requests. */
export interface Limits {
    simultaneousActions: number;
    actionTimeout: number;
    queueSize: number;
    queueAge: number;
    requestTimeout: number;
}
/** The requests of a client: those that wait to be sent and those that wait for an answer. */
export interface Requests {
    /** How many wait to be sent. */
    _queued(): number;
    /** How many were sent and not answered yet. */
    _pending(): number;
    /**
     * Makes a request. `now` sends it past the queue, while the connection is being set up. `follow`
     * is called once it is sent; what it returns takes the answer at once, and also a late one.
     */
    _request(body: Record<string, unknown>, limits?: RequestOptions, now?: boolean, follow?: () => Settle): Promise<Answer>;
    /** True when something waits to be sent that names this room. */
    _names(room: unknown): boolean;
    /** Sends what waits, as far as it may go. Actions beyond the limit wait on. */
    _flush(): void;
    /** Gives an answer to the request it belongs to, if that is still there. */
    _answer(answer: Answer): void;
    /** The transport is gone: the answers still due will not come. */
    _lost(error: StellarError): void;
    /** There will be no connection: nothing that waits will be sent. */
    _ended(error: StellarError): void;
}
/**
 * Makes the requests of a client.
 *
 * The server numbers the messages of a connection from 1 and answers with that number, so
 * this counts what it sends and starts again with every transport. Everything sent goes
 * through here; that is what keeps the two counts in step.
 */
export declare function requests(host: RequestsHost, limits: Limits): Requests;
