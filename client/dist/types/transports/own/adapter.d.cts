import type { Transport, TransportEvents } from "../transport.cjs";
/** Makes a connection of a socket of another library, if it is one of those that this is for. */
export type Adapter = (socket: any, events: TransportEvents) => Transport | false | undefined;
/** The name of every such connection. */
export declare const name = "own";
/** What ends a connection for good. */
export declare const farewell = "primus::server::close";
/** Listeners of one connection of a socket that is used again for the next. */
export declare function listen(socket: any, listeners: Record<string, (...args: any[]) => void>): () => void;
