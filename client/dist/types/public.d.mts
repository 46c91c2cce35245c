/** What every build exports beside its client. */
export { StellarError, type ClientErrorCode } from "./errors.mjs";
export type { ReconnectOptions } from "./backoff.mjs";
export type { Build, Client, FileOptions } from "./client.mjs";
export type { Codec, Payload } from "./codec/codec.mjs";
export type { RequestOptions } from "./deadline.mjs";
export type { Emitter, EventArgs, EventName, Listener } from "./emitter.mjs";
export type { Interceptor, Next } from "./interceptors.mjs";
export type { ClientOptions, Engine, Query, Resolved } from "./options.mjs";
export type { Scope } from "./scope.mjs";
export type { Connect, Refusal, Transport, TransportContext, TransportEvents, Transports, WebSocketClass, } from "./transports/transport.mjs";
export type * from "./types.mjs";
