/** What every build exports beside its client. */
export { StellarError, type ClientErrorCode } from "./errors.cjs";
export type { ReconnectOptions } from "./backoff.cjs";
export type { Build, Client, FileOptions } from "./client.cjs";
export type { Codec, Payload } from "./codec/codec.cjs";
export type { RequestOptions } from "./deadline.cjs";
export type { Emitter, EventArgs, EventName, Listener } from "./emitter.cjs";
export type { Interceptor, Next } from "./interceptors.cjs";
export type { ClientOptions, Engine, Query, Resolved } from "./options.cjs";
export type { Scope } from "./scope.cjs";
export type { Connect, Refusal, Transport, TransportContext, TransportEvents, Transports, WebSocketClass, } from "./transports/transport.cjs";
export type * from "./types.cjs";
