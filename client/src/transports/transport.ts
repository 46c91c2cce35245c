import type { Codec, Payload } from "../codec/codec";

/** One connection of an engine. */
export interface Transport {
  /** The engine's name: `ws`, `engine.io`, `socket.io`, `sockjs`, or `own` for the caller's socket. */
  readonly name: string;
  /** The engine's transport: `websocket`, `polling`, `xhr_streaming` or `xhr`. */
  readonly way?: string;
  /** `true` if the transport detects lost connections itself, without pings of the server. */
  readonly watched?: boolean;
  /** Sends one message, passed in encoded and decoded form. Called only after `open`. */
  send(payload: Payload, message: unknown): void;
  /** Closes the connection. Its later events are ignored. */
  close(): void;
}

/** The refusal of a connection by the server's authorizer. */
export interface Refusal {
  /** The reason. */
  message: string;
  /** The HTTP status, if the refusal was sent over HTTP. */
  status?: number;
}

/** The events of a transport. */
export interface TransportEvents {
  /** Payloads can be sent. */
  open(): void;
  /** A payload was received. */
  data(payload: Payload): void;
  /** A message was received from an engine that decodes messages itself. */
  message(message: unknown): void;
  /**
   * The connection closed or failed to open.
   *
   * `refusal` is set if the server refused it. `cause` is the underlying error, if any.
   */
  close(code: number, reason: string, refusal?: Refusal, cause?: unknown): void;
}

/** The environment of an engine. */
export interface TransportContext {
  /** The engine's URL with path and query, with the scheme `http` or `https`. */
  url: URL;
  /** The WebSocket class to use. */
  WebSocket: WebSocketClass | undefined;
  /** The fetch function to use. */
  fetch: typeof fetch | undefined;
  /** The codec of the messages. */
  codec: Codec;
}

/** A class with the interface of the platform's WebSocket. */
export type WebSocketClass = new (url: string) => any;

/** Opens a connection of an engine. Throws if the platform does not support the engine. */
export type Connect = (context: TransportContext, events: TransportEvents) => Transport;

/** The engines of a build by name, each with its transports. The first one is the WebSocket. */
export type Transports = Record<string, Connect[]>;
