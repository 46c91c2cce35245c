import type { Payload } from "../codec/codec";

/** One live connection of an engine, as the state machine sees it. */
export interface Transport {
  /** The engine's name: `ws`. */
  readonly name: string;
  /** Sends one payload. Called only after `open`. */
  send(payload: Payload): void;
  /** Closes it; `close` is told once it is closed, as when the other side does it. */
  close(): void;
}

/** What an engine tells. Each connection tells `close` once, and nothing after it. */
export interface TransportEvents {
  /** Payloads can be sent. */
  open(): void;
  /** A payload came in. */
  data(payload: Payload): void;
  /** The connection ended, or never came about. */
  close(code: number, reason: string): void;
}

/** What an engine may use to connect. */
export interface TransportContext {
  /** The server's address with path and query; its scheme is http or https. */
  url: URL;
  /** The WebSocket class to use. */
  WebSocket: WebSocketClass | undefined;
}

/** A WebSocket class: the platform's own, or one that behaves like it. */
export type WebSocketClass = new (url: string) => any;

/** Opens a connection of an engine. */
export type Connect = (context: TransportContext, events: TransportEvents) => Transport;

/** The engines of a build, by name. */
export type Transports = Record<string, Connect>;
