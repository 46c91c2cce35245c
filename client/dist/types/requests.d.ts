import { type RequestOptions } from "./deadline";
import { StellarError } from "./errors";
import type { Answer } from "./types";
/** What requests need from what carries them. */
export interface RequestsHost {
    /** True when queued requests may go out. */
    _isOpen(): boolean;
    /** Sends one message; throws if it cannot be encoded. */
    _send(message: unknown): void;
    /** A message went out under this number. */
    _sent(message: unknown, messageCount: number): void;
}
/**
 * The requests of a client: those that wait to be sent and those that wait for an answer.
 *
 * The server numbers the messages of a connection from 1 and answers with that number, so
 * this counts what it sends and starts again with every transport. Everything sent goes
 * through here; that is what keeps the two counts in step.
 */
export declare class Requests {
    private _host;
    private _limits;
    private _count;
    private _running;
    private _pending;
    private _queue;
    constructor(_host: RequestsHost, _limits: {
        simultaneousActions: number;
        queueSize: number;
        requestTimeout: number;
    });
    /** How many wait to be sent. */
    get queued(): number;
    /** How many were sent and not answered yet. */
    get pending(): number;
    /** Makes a request. `now` sends it past the queue, while the connection is being set up. */
    _request(body: Record<string, unknown>, limits?: RequestOptions, now?: boolean): Promise<Answer>;
    /** Sends what waits, as far as it may go. Actions beyond the limit wait on. */
    _flush(): void;
    private _transmit;
    /** Gives an answer to the request it belongs to, if that is still there. */
    _answer(answer: Answer): void;
    /** The transport is gone: the answers still due will not come. */
    _lost(error: StellarError): void;
    /** There will be no connection: nothing that waits will be sent. */
    _ended(error: StellarError): void;
}
