import type { TransportContext, TransportEvents } from "./transport.mjs";
/** The requests of one connection over HTTP. They end with it, and it with the first that fails. */
export interface HttpLine {
    /** Asks, and hands a good answer on. Without a body it is a GET. */
    ask(url: URL, body: string | null, use?: (response: Response) => Promise<void>): Promise<void>;
    /** True once it has ended. */
    ended(): boolean;
    /** Ends it: requests under way are given up. */
    end(): void;
}
/** Makes the requests of a connection. */
export declare function httpLine({ fetch }: TransportContext, { close }: TransportEvents): HttpLine;
/**
 * Sends what is given to it with one request at a time: what comes up meanwhile goes with the
 * next, as much as fits into `limit` characters.
 */
export declare function batches(post: (batch: string[]) => Promise<void>, limit: () => number): (packet: string) => void;
