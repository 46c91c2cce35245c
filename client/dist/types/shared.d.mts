/** The payload of one frame. */
type Payload = string | Uint8Array;
/** Encodes messages to payloads and decodes payloads. The server determines the codec. */
interface Codec {
    /** The name in the server's settings: `json` or `msgpack`. */
    readonly name: string;
    /** Encodes one message. Throws if it cannot be encoded. */
    encode(message: unknown): Payload;
    /** Decodes one payload. Throws if it is malformed. */
    decode(payload: Payload): any;
}

/**
 * Codes of errors that occur in the client. Errors of the server keep the server's code, such as
 * `"016"`.
 *
 * - `closed`: the connection was closed before the response arrived
 * - `timeout`: no connection or no response within the timeout
 * - `aborted`: the caller's `AbortSignal` fired
 * - `dropped`: the request was volatile, waited too long, or was the oldest in a full queue
 * - `offline`: the server cannot be reached
 * - `refused`: the server's authorizer refused the connection
 * - `http`: the HTTP response does not follow the protocol
 * - `decode`: a message could not be decoded
 * - `invalid`: an argument or an option is invalid
 * - `unsupported`: the build or platform lacks an engine, codec, WebSocket or socket adapter
 * - `error`: the server sent an error without a code
 */
type ClientErrorCode = "closed" | "timeout" | "aborted" | "dropped" | "offline" | "refused" | "http" | "decode" | "invalid" | "unsupported" | "error";
/** The error that every promise of the client rejects with. */
declare class StellarError extends Error {
    /** The server's code (`"016"`) or a {@link ClientErrorCode}. */
    code: string;
    /**
     * `true` if the request was sent and its response was lost. The server may have processed it, so
     * a retry may execute it twice.
     */
    mayHaveRun: boolean;
    /** The server's raw error value, for errors of the server. */
    error?: unknown;
    /** The response that contained the error, if any. */
    response?: any;
    /** The HTTP status, for refusals and failed HTTP actions. */
    status?: number;
    /** Creates an error. `cause` is the underlying error. */
    constructor(code: string, message: string, mayHaveRun?: boolean, cause?: any);
}

/** Options of one request. */
interface RequestOptions {
    /** Timeout of the response, in ms. Rejects with `timeout`; 0 means no timeout. */
    timeout?: number;
    /** Rejects with `aborted` when the signal fires. */
    signal?: AbortSignal;
    /** Rejects with `dropped` instead of queueing the request. */
    volatile?: boolean;
    /**
     * Resolves with an empty response once the request is sent. Errors of the server are not
     * reported. Meant for actions without a response.
     */
    noReply?: boolean;
}

/** A listener of any event. */
type Listener = (...args: any[]) => void;
/** A name of an event: one of the emitter, or one of a room. */
type EventName<Events> = (keyof Events & string) | `[${string}].${string}`;
/** The arguments of a listener. */
type EventArgs<Events, Name> = Name extends keyof Events ? Events[Name] extends any[] ? Events[Name] : never : any[];
/**
 * A minimal event emitter.
 *
 * An exception of a listener does not affect the other listeners or the emitting code. It is
 * rethrown asynchronously, so that the page's error handling sees it.
 */
declare class Emitter<Events extends {
    [name in keyof Events]: any[];
}> {
    private _listeners;
    /** Calls `fn` on every event `name`. */
    on<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this;
    /** Calls `fn` on the next event `name` only. */
    once<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this;
    /** Removes `fn` from `name`. Without `fn`: all listeners of `name`. Without both: all listeners. */
    off(name?: EventName<Events>, fn?: Listener): this;
    /** Alias of {@link on}. */
    addListener<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this;
    /** Alias of {@link off}. */
    removeListener(name: EventName<Events>, fn?: Listener): this;
    /** Removes all listeners of `name`, or of all events. */
    removeAllListeners(name?: EventName<Events>): this;
}

/**
 * The state of a client.
 *
 * - `idle`: `connect()` was not called yet
 * - `connecting`: the first attempt is in progress
 * - `connected`: open and configured; requests are sent
 * - `reconnecting`: the connection was lost or failed; the client retries
 * - `offline`: as `reconnecting`, while the browser reports no network; uses up no retries
 * - `closed`: closed by `disconnect()` or the server, or out of retries; in the last case the client
 *   reconnects when the browser reports a network
 * - `refused`: the server's authorizer refused the connection; call `connect()` to try again
 */
type State = "idle" | "connecting" | "connected" | "reconnecting" | "offline" | "closed" | "refused";
/** The fields that every response may have. */
interface Answer {
    /** `"response"`; absent over HTTP. */
    context?: string;
    /** The number of the request; absent over HTTP. */
    messageCount?: number;
    [field: string]: any;
}
/** The server's view of a connection. */
interface Details {
    /** The id of the connection. */
    id: string;
    /** The session that the connection belongs to, if any. */
    fingerprint: string | null;
    /** The client's address as the server sees it. */
    remoteIP: string;
    /** The client's port as the server sees it. */
    remotePort: number;
    /** Sticky parameters; always empty for this kind of connection. */
    params: Record<string, unknown>;
    /** When the connection was opened, in ms since 1970. */
    connectedAt: number;
    /** The rooms that the connection is a member of. */
    rooms: string[];
    /** The number of actions called. */
    totalActions: number;
    /** The number of running actions. */
    pendingActions: number;
}
/** A room and its members. */
interface RoomState {
    /** The name of the room. */
    room: string;
    /** The members by connection id. */
    members: Record<string, {
        id: string;
        joinedAt: number;
        [extra: string]: unknown;
    }>;
    /** The total number of members. */
    membersCount: number;
    /** The option `after` of `roomView` for the next page; absent on the last page. */
    next?: string;
}
/** A response whose `data` can also be read directly: `answer.id` is `answer.data.id`. */
type Unwrapped<T> = T & Answer & {
    data: T;
};
/** A file. */
interface FileAnswer<Content = string> extends Answer {
    /** Always `null`; a missing file rejects. */
    error: null;
    /** The content: text, base64 according to `encoding`, or the type of the option `as`. */
    content: Content;
    /** The MIME type. */
    mime: string;
    /** The length in bytes. */
    length: number;
    /** The time of the last change, as an ISO date. */
    lastModified: string;
    /** `"base64"` if the content is not text. */
    encoding?: string;
}
/** A message from a room. */
interface ChatMessage {
    /** The content: any JSON value. */
    message: any;
    /** The room. */
    room: string;
    /** The sender's connection id; 0 means the server. */
    from: string | 0;
    /** Always `"user"`. */
    context: "user";
    /** The time of sending, in ms since 1970. */
    sentAt: number;
}
/** The membership of a connection in a room. */
interface Membership {
    /** The room. */
    room: string;
    /** Whether the connection is a member. Always `false` while disconnected. */
    joined: boolean;
    /** The last refusal, or the reason of a removal by the server; otherwise `null`. */
    error: StellarError | null;
}
/** The events of the client, with the arguments of their listeners. */
interface ClientEvents {
    /** A connection is configured, initially and after every reconnect. */
    connected: [details: Unwrapped<Details> | null];
    /** The connection closed, temporarily or permanently. */
    disconnected: [reason: StellarError];
    /** A failure outside of requests, or a refused verb. */
    error: [error: StellarError | Error];
    /** The client reconnected, rejoined its rooms and sent its queue. `connected` follows. */
    reconnect: [details: Unwrapped<Details> | null];
    /** The next attempt is scheduled after a delay in ms. */
    reconnecting: [next: {
        attempt: number;
        delay: number;
    }];
    /** Any received message. */
    message: [message: any];
    /** A message with the context `alert`. */
    alert: [message: any];
    /** A message with the context `api` or a custom context. */
    api: [message: any];
    /** The server's greeting. */
    welcome: [message: any];
    /** A message from a room. */
    say: [message: ChatMessage];
    /** A membership changed, or a join was refused. */
    membership: [membership: Membership];
    /** The state changed. */
    state: [state: State, previous: State];
    /** A message was sent, with its number. */
    send: [message: any, messageCount: number];
}
/**
 * The events of a client and of its rooms.
 *
 * Listeners of room events receive the data and the complete message. `Events` declares the data.
 */
type EventsOf<Events> = ClientEvents & {
    [Name in Exclude<keyof Events & string, keyof ClientEvents>]: [data: Events[Name], message: ChatMessage];
};
/** Undeclared room events: any name with any data. */
interface AnyEvents {
    [name: string]: any;
}
/** A callback with the error first: `callback(error, answer)`. */
type ErrorFirst<T> = (error: StellarError | null, answer?: T) => void;
/** A callback with the response first: `callback(answer, error)`. */
type AnswerFirst<T> = (answer: T, error: StellarError | null) => void;
/** The last arguments of a method: a callback, options, or both. */
type Rest<Callback, Options = RequestOptions> = [] | [callback: Callback | undefined, options?: Options] | [options: Options];
/** The types of one action, as a server prints them. */
interface ActionTypes {
    /** The parameters. */
    params: any;
    /** The result. */
    result: any;
}
/** Undeclared actions: any name with any parameters. */
interface AnyActions {
    [name: string]: {
        params: Record<string, any> | null | undefined;
        result: Answer;
    };
}
/** The response of an action: its result and the common fields. */
type ActionAnswer<Action> = Action extends {
    result: infer Result;
} ? Result & {
    context?: string;
    messageCount?: number;
} : Answer;
/**
 * The last arguments of an action: its parameters, followed by {@link Rest}.
 *
 * The parameters are optional if none is required.
 */
type ActionRest<Action> = Action extends {
    params: infer Params;
} ? Parameterless<Params> extends true ? Rest<AnswerFirst<ActionAnswer<Action>>> | WithParams<Action, Params> : WithParams<Action, Params> : never;
/** The arguments of a hook's `call`. The parameters are optional if none is required. */
type CallRest<Action> = Action extends {
    params: infer Params;
} ? Parameterless<Params> extends true ? [params?: Params | null, options?: RequestOptions] : [params: Params, options?: RequestOptions] : never;
/** Carries the types of a client's actions, for hooks. */
interface WithActions<Actions> {
    /** Never set: carries the types of the actions. */
    readonly "~actions"?: Actions;
}
/** Carries the types of a client's events, for hooks. */
interface WithEvents<Events> {
    /** Never set: carries the types of the events. */
    readonly "~events"?: Events;
}
/** The parts of a client that hooks use. */
interface HookClient {
    /** The state of the client. */
    readonly state: State;
    /** Adds a listener. */
    on(name: any, fn: Listener): unknown;
    /** Removes a listener. */
    off(name?: any, fn?: Listener): unknown;
    /** Returns a scope that listens to a room. */
    from(room: string): {
        on(event: string, fn: Listener): unknown;
        off(event: string, fn?: Listener): unknown;
    };
    /** Sends a message to a room. */
    say(room: string, message: unknown, options: RequestOptions): Promise<Answer>;
    /** Stays in a room until the returned function is called. */
    subscribe(room: string, changed: (membership: Membership) => void): () => void;
}
/** `true` if no parameter is required. */
type Parameterless<Params> = {} extends Params ? true : null extends Params ? true : undefined extends Params ? true : false;
type WithParams<Action, Params> = [
    params: Params,
    callback?: AnswerFirst<ActionAnswer<Action>> | RequestOptions | undefined,
    options?: RequestOptions
];

/**
 * The continuation of an interceptor:
 * - `next()` continues with the request
 * - `next(answer)` resolves the call without the server
 * - `next(null, error)` rejects the call
 * - `next(change)` continues; `change` receives the response or the error before the caller
 */
type Next = (result?: Record<string, unknown> | ((answer: any) => void) | null, error?: unknown) => void;
/**
 * A function that inspects or changes an action's parameters before they are sent.
 *
 * `this` is the client. An exception rejects the call, as `reject` does.
 */
type Interceptor = (this: any, params: Record<string, any>, next: Next, reject: (error: unknown) => void) => unknown;

/** Options of reconnecting after a lost connection. */
interface ReconnectOptions {
    /** Maximum delay before the first attempt, in ms. Default: 500. */
    min: number;
    /** Maximum delay before any attempt, in ms. Default: 30,000. */
    max: number;
    /** Factor by which the delay grows with each attempt. Default: 2. */
    factor: number;
    /** Maximum number of attempts; `null` for no limit. Default: `null`. */
    retries: number | null;
    /** Timeout of an attempt after the first, in ms. Default: the option `timeout`. */
    "reconnect timeout"?: number | null;
}

/** One connection of an engine. */
interface Transport {
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
interface Refusal {
    /** The reason. */
    message: string;
    /** The HTTP status, if the refusal was sent over HTTP. */
    status?: number;
}
/** The events of a transport. */
interface TransportEvents {
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
interface TransportContext {
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
type WebSocketClass = new (url: string) => any;
/** Opens a connection of an engine. Throws if the platform does not support the engine. */
type Connect = (context: TransportContext, events: TransportEvents) => Transport;
/** The engines of a build by name, each with its transports. The first one is the WebSocket. */
type Transports = Record<string, Connect[]>;

/** The name of an engine. */
type Engine = "ws" | "engine.io" | "socket.io" | "sockjs";
/** Parameters of the connection's URL. Entries with `null` or `undefined` are omitted. */
type Query = Record<string, string | number | boolean | null | undefined>;
/** Options of a client. Omitted ones take the server's settings, then the defaults. */
interface ClientOptions {
    /** URL of the server (`http`, `https`, `ws` or `wss`). Default: the page's origin. */
    url?: string | null;
    /** Path of the connection. Default: `/primus`. */
    path?: string;
    /** Path of the HTTP API. Default: `/api`. */
    api?: string;
    /** Alias of `api` from earlier releases. */
    apiPath?: string;
    /** Engines to try, in order: `ws`, `engine.io`, `socket.io`, `sockjs`. Default: `ws`. */
    transports?: Engine[];
    /** Paths of engines. Default: `path` for the server's first engine, `/` and its name for others. */
    paths?: Record<string, string>;
    /**
     * A socket of another library, used instead of the engines.
     *
     * Either a socket of socket.io-client or Primus, or a function that creates one of these, a socket
     * of engine.io-client or sockjs-client, or a WebSocket.
     */
    transport?: unknown;
    /** Codec of the server. The constructor throws if the build does not include it. */
    parser?: string;
    /** Interval of the server's pings, in ms; 0 if it sends none. Default: 30,000. */
    pingInterval?: number;
    /** Time without a ping before the client reconnects, in ms. Default: 1.5 × `pingInterval`. */
    pingTimeout?: number;
    /** Default room of `say` and `emit`. Default: `defaultRoom`. */
    defaultRoom?: string;
    /** Rooms to join on every connection. */
    rooms?: string[];
    /** Maximum number of concurrent actions; further ones are queued. Default: 5. */
    simultaneousActions?: number;
    /** Timeout of actions in the server, in ms; 0 if it has none. Default: 30,000. */
    actionTimeout?: number;
    /**
     * Timeout of an attempt to connect, until the connection is configured, in ms. Default: 10,000.
     *
     * With several engines, each but the last has a third of it.
     */
    timeout?: number;
    /** Default `timeout` of requests, in ms; 0 means no timeout. Default: 0. */
    requestTimeout?: number;
    /** Options of reconnecting, or `false` to turn it off. */
    reconnect?: Partial<ReconnectOptions> | false;
    /** Maximum number of queued requests; the oldest are dropped. Default: 256. */
    queueSize?: number;
    /** Maximum time of a request in the queue, in ms; 0 for no limit. Default: 300,000. */
    queueAge?: number;
    /**
     * Parameters added to the connection's URL, such as a token.
     *
     * A function is called for every attempt. If it throws or rejects, the attempt fails.
     */
    query?: Query | (() => Query | Promise<Query>);
    /** Maximum length of a message to the server, in bytes. Default: 10,485,760. */
    maxLength?: number;
    /** The WebSocket class or a promise of it. Default: the platform's, or that of the package `ws`. */
    WebSocket?: WebSocketClass | Promise<WebSocketClass>;
    /** The fetch function. Default: the platform's. */
    fetch?: typeof fetch;
    /** Version of the server that generated the script. */
    version?: string;
}
/** The options in effect, with every default filled in. */
interface Resolved extends Required<Omit<ClientOptions, "apiPath" | "parser" | "version" | "WebSocket" | "fetch" | "transport" | "paths">> {
    /** URL of the server, with the scheme `http` or `https`. */
    url: string;
    /** Codec of the server, if known. */
    parser?: string;
    /** Version of the server, if it generated the script. */
    version?: string;
    /** Paths of engines that differ from the defaults. */
    paths?: Record<string, string>;
    /** A socket of another library, or a function that creates one. */
    transport?: unknown;
    /** Options of reconnecting. */
    reconnect: ReconnectOptions | false;
    /** The WebSocket class, if there is one. */
    WebSocket: WebSocketClass | Promise<WebSocketClass> | undefined;
    /** The fetch function, if there is one. */
    fetch: typeof fetch | undefined;
}

/** The parts of a client that {@link Scope} uses. */
interface ScopeHost {
    on(name: string, fn: Listener): unknown;
    off(name: string, fn?: Listener): unknown;
}
/** A set of rooms to send events to, or to listen to. */
declare class Scope {
    private _client;
    private _rooms;
    constructor(_client: ScopeHost, rooms: string | string[]);
    /** Returns a scope with additional rooms. */
    to(rooms: string | string[]): Scope;
    /** Alias of {@link to}, which reads better for listeners. */
    from(rooms: string | string[]): Scope;
    /** Alias of {@link to}. */
    for(rooms: string | string[]): Scope;
    /** Sends an event to each of the rooms. */
    emit(event: string, data?: unknown): Promise<Answer[]>;
    /** Calls `fn(data, message)` on every such event in one of the rooms. */
    on(event: string, fn: (data: any, message: any) => void): this;
    /** Removes listeners added with {@link on}. */
    off(event: string, fn?: Listener): this;
}

/** Wraps a socket of another library, or returns a falsy value for other kinds of sockets. */
type Adapter = (socket: any, events: TransportEvents) => Transport | false | undefined;

/** The parts of a build. */
interface Build {
    /** The codec. */
    codec: Codec;
    /** The engines. */
    transports: Transports;
    /** Combines several engines into one, if the build includes it. */
    fallback?: (options: Resolved, transports: Transports) => Connect | undefined;
    /** Adapters for sockets of other libraries, besides Primus. */
    own: Adapter[];
}
/**
 * A client of one server.
 *
 * Every method that sends a request returns a promise and accepts an optional callback. The last
 * argument can be {@link RequestOptions}.
 */
declare class Client<Actions = AnyActions, Events = {}> extends Emitter<EventsOf<Events>> implements WithActions<Actions>, WithEvents<Events> {
    /** Never set: carries the types of the actions, for hooks. */
    readonly "~actions"?: Actions;
    /** Never set: carries the types of the events of rooms, for hooks. */
    readonly "~events"?: Events;
    /** The id of the connection; `null` until connected. Changes with every reconnect. */
    id: string | null;
    /** The session that the connection belongs to. */
    fingerprint: string | null;
    /** The server's view of the connection, updated on every connect and by {@link configure}. */
    details: Unwrapped<Details> | null;
    /** The text of the server's greeting. */
    welcomeMessage: string | null;
    /** Functions that see an action's parameters before it is sent; see {@link Interceptor}. */
    interceptors: Interceptor[];
    /** The options in effect. */
    readonly options: Resolved;
    private _codec;
    private _connection;
    private _requests;
    private _connecting;
    private _memberships;
    private _known?;
    constructor(options: ClientOptions | string, { codec, transports, fallback, own }: Build, transport?: unknown);
    /** The state of the connection. */
    get state(): State;
    /** The transport in use, or `null`. Its `name` is the engine's. */
    get transport(): Transport | null;
    /** The rooms that the connection is a member of. Empty while disconnected. */
    get rooms(): string[];
    /**
     * The rooms that the client joins on every connection.
     *
     * Contains the rooms of the option `rooms`, joined rooms, and rooms to which the server added the
     * connection. Excludes rooms that were left, refused permanently or destroyed, and rooms from which
     * the server removed the connection.
     */
    get wanted(): string[];
    /** The number of requests that are not sent yet. */
    get queued(): number;
    /** The number of requests that are sent and not answered yet. */
    get pending(): number;
    /**
     * Connects to the server. Closes an open connection first.
     *
     * Resolves with the details of the connection and rejects with the error of the first attempt.
     * After an error the client keeps trying, unless the option `reconnect` is `false`, and emits
     * `connected` on success.
     */
    connect(callback?: ErrorFirst<Unwrapped<Details>>): Promise<Unwrapped<Details>>;
    /** Closes the connection permanently. Rejects every queued and pending request. */
    disconnect(callback?: ErrorFirst<void>): Promise<void>;
    /**
     * Calls an action. Uses HTTP while the client is not connected.
     *
     * Resolves with the response, which has the action's fields. Rejects if it has an `error`.
     */
    action<Name extends keyof Actions & string>(name: Name, ...rest: ActionRest<Actions[Name]>): Promise<ActionAnswer<Actions[Name]>>;
    /** Sends a message to a room that the connection is in. Without a room: to the default room. */
    say(room: string, message: unknown, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    say(message: unknown, callback?: ErrorFirst<Answer>): Promise<Answer>;
    /** Returns the server's view of the connection. */
    detailsView(...rest: Rest<ErrorFirst<Unwrapped<Details>>>): Promise<Unwrapped<Details>>;
    /** Requests the details and stores them in `details`, `id`, `fingerprint` and `rooms`. */
    configure(...rest: Rest<ErrorFirst<Unwrapped<Details>>>): Promise<Unwrapped<Details>>;
    /**
     * Returns the members of a room. The callback is `(answer, error)`.
     *
     * Large rooms are paginated: pass `next` of a response as the option `after` for the next page.
     */
    roomView(room: string, ...rest: Rest<AnswerFirst<Unwrapped<RoomState>>, RoomViewOptions>): Promise<Unwrapped<RoomState>>;
    /**
     * Joins a room, also after every reconnect.
     *
     * Succeeds if the client has already rejoined the room by itself. Rejects with any refusal
     * without a retry; {@link subscribe} retries.
     */
    roomAdd(room: string, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    /** Leaves a room. The client does not rejoin it, even if the server refuses the request. */
    roomLeave(room: string, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    /**
     * Stays in a room until the returned function is called.
     *
     * Joins the room on every connection, and retries after temporary refusals, such as a full room.
     * `changed` is called immediately and on every change. The end of the last subscription leaves
     * the room, unless it was also joined with {@link roomAdd}.
     */
    subscribe(room: string, changed: (membership: Membership) => void): () => void;
    /** Joins a room. Alias of {@link roomAdd}. */
    join(room: string, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    /** Leaves a room. Alias of {@link roomLeave}. */
    leave(room: string, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    /**
     * Requests a file of the server's public folder. The callback is `(answer, error)`.
     *
     * The option `as` converts the content to `"bytes"` or a `"blob"`.
     */
    file(path: string, options: FileOptions<"bytes">): Promise<FileAnswer<Uint8Array>>;
    file(path: string, options: FileOptions<"blob">): Promise<FileAnswer<Blob>>;
    file(path: string, ...rest: Rest<AnswerFirst<FileAnswer>>): Promise<FileAnswer>;
    /** Sends a raw protocol message. Resolves with the response. The callback is `(answer, error)`. */
    send(message: Record<string, unknown>, ...rest: Rest<AnswerFirst<Answer>>): Promise<Answer>;
    /** Sends an event to the default room. */
    emit(event: string, data?: unknown): Promise<Answer>;
    /** Returns a scope that sends events to rooms and listens to events of rooms. */
    to(rooms: string | string[]): Scope;
    /** Alias of {@link to}, which reads better for listeners. */
    from(rooms: string | string[]): Scope;
    /** Alias of {@link to}. */
    for(rooms: string | string[]): Scope;
    /** Sets the room that `say` and `emit` use by default. */
    setDefaultRoom(room: string): void;
    private _verb;
    private _own;
    private _store;
    /** Settles the promises of {@link connect}: 0 resolves, 1 rejects. */
    private _settleConnecting;
}
/** Options of {@link Client.file}. */
interface FileOptions<As extends "bytes" | "blob" = "bytes" | "blob"> extends RequestOptions {
    /** Converts the content. Default: the content stays text or base64. */
    as?: As;
}
/** Options of {@link Client.roomView}. */
interface RoomViewOptions extends RequestOptions {
    /** Maximum number of members per page. The server has its own maximum. */
    limit?: number;
    /** Returns the members after this id; `next` of the previous page. */
    after?: string;
}

/** The state of a room in a component. */
interface Room<Messages, Joined, Failure> {
    /** The messages received since the room was joined, oldest first. */
    messages: Messages;
    /** Whether the connection is a member. Always `false` while disconnected. */
    joined: Joined;
    /** The last refusal, or `null`. The client retries after temporary refusals. */
    error: Failure;
    /** Sends a message to the room. */
    say(message: unknown, options?: RequestOptions): Promise<Answer>;
}

export { Client, Emitter, Scope, StellarError };
export type { ActionAnswer, ActionRest, ActionTypes, Answer, AnswerFirst, AnyActions, AnyEvents, Build, CallRest, ChatMessage, ClientErrorCode, ClientEvents, ClientOptions, Codec, Connect, Details, Engine, ErrorFirst, EventArgs, EventName, EventsOf, FileAnswer, FileOptions, HookClient, Interceptor, Listener, Membership, Next, Payload, Query, ReconnectOptions, Refusal, RequestOptions, Resolved, Rest, Room, RoomState, RoomViewOptions, State, Transport, TransportContext, TransportEvents, Transports, Unwrapped, WebSocketClass, WithActions, WithEvents };
