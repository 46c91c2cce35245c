import type { Payload } from "../codec/codec.cjs";
import type { TransportContext } from "./transport.cjs";
/** What becomes of a WebSocket. */
export interface SocketEvents {
    open?(): void;
    data(payload: Payload): void;
    close(code: number, reason: string): void;
}
/** Hears a socket that behaves as a WebSocket does. A message that cannot be read ends it. */
export declare function hear(socket: any, { open, data, close }: SocketEvents): void;
/** Opens a WebSocket to an address whose scheme is http or https. */
export declare function openSocket({ WebSocket }: TransportContext, url: URL, events: SocketEvents): any;
