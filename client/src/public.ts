/** The exports that every build has in common. */
export { StellarError, type ClientErrorCode } from "./errors";
export type { ReconnectOptions } from "./backoff";
export type { Build, Client, FileOptions, RoomViewOptions } from "./client";
export type { Codec, Payload } from "./codec/codec";
export type { RequestOptions } from "./deadline";
export type { Emitter, EventArgs, EventName, Listener } from "./emitter";
export type { Interceptor, Next } from "./interceptors";
export type { Room } from "./membership";
export type { ClientOptions, Engine, Query, Resolved } from "./options";
export type { Scope } from "./scope";
export type {
  Connect,
  Refusal,
  Transport,
  TransportContext,
  TransportEvents,
  Transports,
  WebSocketClass,
} from "./transports/transport";
export type * from "./types";
