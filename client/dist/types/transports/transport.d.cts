import type { Codec, Payload } from "../codec/codec.cjs";
/** One live connection of an engine, as the state machine sees it. */
export interface Transport {
    /** The engine's name: `ws`, `engine.io`, `socket.io`, `sockjs`, or `own` for one handed in. */
    readonly name: string;
    /** The way it goes: `websocket`, `polling`, `xhr_streaming`, `xhr`. */
    readonly way?: string;
    /** True when it watches the other side itself, so that nobody needs to wait for pings. */
    readonly watched?: boolean;
    /** Sends one message, given as it is encoded and as it is. Called only after `open`. */
    send(payload: Payload, message: unknown): void;
    /** Closes it; what it tells after this is not heard. */
    close(): void;
}
/** Why the server's authorizer did not let a connection in. */
export interface Refusal {
    /** What it says. */
    message: string;
    /** The HTTP status, if it came by HTTP. */
    status?: number;
}
/** What an engine tells. */
export interface TransportEvents {
    /** Payloads can be sent. */
    open(): void;
    /** A payload came in. */
    data(payload: Payload): void;
    /** A message came in from an engine that decodes by itself. */
    message(message: unknown): void;
    /**
     * The connection ended, or never came about; with a refusal, because it is not let in. `cause` is
     * the error that led to it, if there was one.
     */
    close(code: number, reason: string, refusal?: Refusal, cause?: unknown): void;
}
/** What an engine may use to connect. */
export interface TransportContext {
    /** The engine's address with path and query; its scheme is http or https. */
    url: URL;
    /** The WebSocket class to use. */
    WebSocket: WebSocketClass | undefined;
    /** The fetch function to use. */
    fetch: typeof fetch | undefined;
    /** The codec of the messages. */
    codec: Codec;
}
/** A WebSocket class: the platform's own, or one that behaves like it. */
export type WebSocketClass = new (url: string) => any;
/** Opens a connection of an engine. A throw means that this cannot work here. */
export type Connect = (context: TransportContext, events: TransportEvents) => Transport;
/** The engines of a build by name; each with its ways, of which the first uses WebSockets. */
export type Transports = Record<string, Connect[]>;
