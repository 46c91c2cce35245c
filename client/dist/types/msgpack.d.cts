import { AnyActions, Client, ClientOptions } from "./shared.cjs";
export { ActionAnswer, ActionRest, ActionTypes, Answer, AnswerFirst, AnyEvents, Build, CallRest, ChatMessage, ClientErrorCode, ClientEvents, Codec, Connect, Details, Emitter, Engine, ErrorFirst, EventArgs, EventName, EventsOf, FileAnswer, FileOptions, HookClient, Interceptor, Listener, Membership, Next, Payload, Query, ReconnectOptions, Refusal, RequestOptions, Resolved, Rest, Room, RoomState, RoomViewOptions, Scope, State, StellarError, Transport, TransportContext, TransportEvents, Transports, Unwrapped, WebSocketClass, WithActions, WithEvents } from "./shared.cjs";

/**
 * The client with all engines, for a server with the MessagePack codec.
 *
 * @module stellar-client/msgpack
 */

/** A client with the MessagePack codec. */
declare class StellarClient<Actions = AnyActions, Events = {}> extends Client<Actions, Events> {
    /**
     * Creates a client. Call {@link connect} to connect it.
     *
     * `transport` is the option of that name, for compatibility with earlier releases.
     */
    constructor(options?: ClientOptions | string, transport?: unknown);
}
/**
 * Creates a client.
 *
 * `Actions` declares the server's actions; the server prints such a type. `Events` declares the
 * data of room events.
 */
declare const createClient: <Actions = AnyActions, Events = {}>(options?: ClientOptions | string) => StellarClient<Actions, Events>;

export { AnyActions, Client, ClientOptions, StellarClient as Stellar, StellarClient, createClient, StellarClient as default };
