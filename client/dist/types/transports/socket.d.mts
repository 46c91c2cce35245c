import type { Payload } from "../codec/codec.mjs";
import type { Transport, TransportContext } from "./transport.mjs";
/** What becomes of a WebSocket. */
export interface SocketEvents {
    open?(): void;
    data(payload: Payload): void;
    close(code: number, reason: string, refusal?: undefined, cause?: unknown): void;
}
/** Makes a WebSocket to an address whose scheme is http or https. */
export declare const makeSocket: (context: TransportContext) => any;
/** A connection whose payloads are the messages of a socket, as they are. */
export declare function plain(name: string, socket: any, events: SocketEvents): Transport;
/** Opens a WebSocket whose messages are to be read. One that cannot be read ends it. */
export declare function openSocket(context: TransportContext, url: URL, { data, close }: SocketEvents): any;
