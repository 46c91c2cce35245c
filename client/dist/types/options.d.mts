import type { ReconnectOptions } from "./backoff.mjs";
import type { WebSocketClass } from "./transports/transport.mjs";
/** An engine that the client can have. */
export type Engine = "ws" | "engine.io" | "socket.io" | "sockjs";
/** Parameters of the connection's address; what is null or undefined is left out. */
export type Query = Record<string, string | number | boolean | null | undefined>;
/** Everything that can be set; what is left out comes from the server, then from the defaults. */
export interface ClientOptions {
    /** The server's address (`http`, `https`, `ws` or `wss`); default: the page's origin. */
    url?: string | null;
    /** The path of the connection; default `/primus`. */
    path?: string;
    /** The path of the HTTP API; default `/api`. */
    api?: string;
    /** The same as `api`, as older releases spell it. */
    apiPath?: string;
    /** The engines to try, in order: `ws`, `engine.io`, `socket.io`, `sockjs`; default: `ws`. */
    transports?: Engine[];
    /** The paths of engines. The first one's is `path`; that of any other by default its name. */
    paths?: Record<string, string>;
    /**
     * A socket of socket.io-client or Primus, or a function that makes one of these, of
     * engine.io-client, of sockjs-client or a WebSocket; used instead of the engines.
     */
    transport?: unknown;
    /** The codec that the server speaks; a build that does not have it says so. */
    parser?: string;
    /** How often the server pings, in ms; default 30,000; 0 if it never does. */
    pingInterval?: number;
    /** How long to wait for a ping before reconnecting; default 1.5 times `pingInterval`. */
    pingTimeout?: number;
    /** The room of `say` and `emit` when none is named; default `defaultRoom`. */
    defaultRoom?: string;
    /** Rooms to join on every connection. */
    rooms?: string[];
    /** How many actions may run at once; further ones wait here. Default 5. */
    simultaneousActions?: number;
    /** The server's bound of an action, in ms; default 30,000; 0 if it has none. */
    actionTimeout?: number;
    /**
     * How long a connection may take until it is configured, in ms; default 10,000. Each engine but
     * the last gets a third of it.
     */
    timeout?: number;
    /** The `timeout` of requests that do not set one, in ms; default 0, which waits for ever. */
    requestTimeout?: number;
    /** How to reconnect; `false` not at all. */
    reconnect?: Partial<ReconnectOptions> | false;
    /** How many requests may wait for a connection; the oldest are dropped. Default 256. */
    queueSize?: number;
    /** How long a request may wait to be sent, in ms; default 300,000; 0 without end. */
    queueAge?: number;
    /**
     * Parameters added to the connection's address, such as a token, or what gives them for each
     * attempt. An attempt for which it throws or rejects has failed.
     */
    query?: Query | (() => Query | Promise<Query>);
    /** The longest message that the server takes, in bytes; default 10,485,760. */
    maxLength?: number;
    /**
     * The WebSocket class, or a promise of it; default: the platform's, or in Node that of the package
     * `ws`.
     */
    WebSocket?: WebSocketClass | Promise<WebSocketClass>;
    /** The fetch function; default: the platform's. */
    fetch?: typeof fetch;
    /** The version of the server that made this script. */
    version?: string;
}
/** The options in effect: everything is filled in. */
export interface Resolved extends Required<Omit<ClientOptions, "apiPath" | "parser" | "version" | "WebSocket" | "fetch" | "transport" | "paths">> {
    /** The server's address, with an http or https scheme. */
    url: string;
    /** The codec that the server says it speaks, if it says. */
    parser?: string;
    /** The version of the server, if it made this script. */
    version?: string;
    /** The paths of engines that are not the default ones. */
    paths?: Record<string, string>;
    /** A socket handed in, or what makes one. */
    transport?: unknown;
    /** How to reconnect. */
    reconnect: ReconnectOptions | false;
    /** The WebSocket class, if there is one. */
    WebSocket: WebSocketClass | Promise<WebSocketClass> | undefined;
    /** The fetch function, if there is one. */
    fetch: typeof fetch | undefined;
}
/** Puts together what was given, what the server set, and the defaults. */
export declare const resolve: (options: ClientOptions) => Resolved;
/** The address of a connection. */
export declare function connectionUrl({ url, path }: Resolved, query: Query): URL;
