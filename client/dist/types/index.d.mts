import { AnyActions, Client, ClientOptions } from "./shared.mjs";
export { ActionAnswer, ActionRest, ActionTypes, Answer, AnswerFirst, AnyEvents, Build, CallRest, ChatMessage, ClientErrorCode, ClientEvents, Codec, Connect, Details, Emitter, Engine, ErrorFirst, EventArgs, EventName, EventsOf, FileAnswer, FileOptions, HookClient, Interceptor, Listener, Membership, Next, Payload, Query, ReconnectOptions, Refusal, RequestOptions, Resolved, Rest, Room, RoomState, RoomViewOptions, Scope, State, StellarError, Transport, TransportContext, TransportEvents, Transports, Unwrapped, WebSocketClass, WithActions, WithEvents } from "./shared.mjs";

/**
 * The client, with all engines, for a server that speaks JSON.
 *
 * @module stellar-client
 */

/** A client that speaks JSON. */
declare class StellarClient<Actions = AnyActions, Events = {}> extends Client<Actions, Events> {
    /**
     * Makes a client; it connects when told to. `transport` is the option of this name, where
     * earlier releases took it.
     */
    constructor(options?: ClientOptions | string, transport?: unknown);
}
/**
 * Makes a client. `Actions` says which there are: what a server prints as its types. `Events` says
 * what data the events of rooms have.
 */
declare const createClient: <Actions = AnyActions, Events = {}>(options?: ClientOptions | string) => StellarClient<Actions, Events>;

export { AnyActions, Client, ClientOptions, StellarClient as Stellar, StellarClient, createClient, StellarClient as default };
