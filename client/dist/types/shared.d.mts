/** One payload as the transport carries it. */
type Payload = string | Uint8Array;
/** Turns messages into payloads and back. Which one is used is the server's choice. */
interface Codec {
    /** The server's name for it: `json` or `msgpack`. */
    readonly name: string;
    /** Encodes one message; throws if it cannot be encoded. */
    encode(message: unknown): Payload;
    /** Decodes one payload; throws if it is not valid. */
    decode(payload: Payload): any;
}

/**
 * What went wrong on the client's side. Errors of the server keep the server's
 * own code, such as `"016"`.
 *
 * - `closed`: the connection ended before the answer came, or was ended on purpose
 * - `timeout`: no connection, or no answer, in the time given
 * - `aborted`: the caller's `AbortSignal` fired
 * - `dropped`: the queue was full and this was its oldest request
 * - `offline`: the server cannot be reached
 * - `refused`: the server's authorizer said no
 * - `http`: the HTTP answer was not one of the protocol
 * - `decode`: a message could not be read
 * - `invalid`: what was passed cannot be sent, or is not what the method or the option takes
 * - `unsupported`: this build or this platform lacks what was asked for: an engine, a codec, a
 *   WebSocket, or what takes a socket that was handed in
 * - `error`: the server sent an error that carries no code
 */
type ClientErrorCode = "closed" | "timeout" | "aborted" | "dropped" | "offline" | "refused" | "http" | "decode" | "invalid" | "unsupported" | "error";
/** The one kind of error this client rejects with. */
declare class StellarError extends Error {
    /** The server's code (`"016"`) or a {@link ClientErrorCode}. */
    code: string;
    /**
     * True when the request had left and its answer will not be seen: the server
     * may or may not have acted on it. Sending it again may do the thing twice.
     */
    mayHaveRun: boolean;
    /** The server's error value as it came, when the error is the server's. */
    error?: unknown;
    /** The whole answer that carried the error, when there was one. */
    response?: any;
    /** The HTTP status, for refusals and failed HTTP actions. */
    status?: number;
    /** Makes an error; `mayHaveRun` is false unless told, `cause` is what led to it. */
    constructor(code: string, message: string, mayHaveRun?: boolean, cause?: any);
}

/** Options of one request. */
interface RequestOptions {
    /** Rejects with `timeout` when no answer came in so many ms. 0 waits for ever. */
    timeout?: number;
    /** Rejects with `aborted` when the signal fires. */
    signal?: AbortSignal;
    /** Rejects with `dropped` when it cannot be sent at once, instead of waiting. */
    volatile?: boolean;
    /**
     * Resolves with an empty answer once it is sent: nothing is waited for, an error neither. For
     * actions that answer nobody.
     */
    noReply?: boolean;
}

/** A listener of any event. */
type Listener = (...args: any[]) => void;
/** Names of events: the emitter's own, and those of one room. */
type EventName<Events> = (keyof Events & string) | `[${string}].${string}`;
/** What a listener of an event gets. */
type EventArgs<Events, Name> = Name extends keyof Events ? Events[Name] extends any[] ? Events[Name] : never : any[];
/**
 * A small event emitter. A listener that throws neither stops the others nor
 * reaches the code that emitted: its error is thrown again on its own turn, so
 * that the page's error handling sees it.
 */
declare class Emitter<Events extends {
    [name in keyof Events]: any[];
}> {
    private _listeners;
    /** Calls `fn` every time `name` happens. */
    on<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this;
    /** Calls `fn` the next time `name` happens, and then no more. */
    once<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this;
    /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
    off(name?: EventName<Events>, fn?: Listener): this;
    /** The same as {@link on}. */
    addListener<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this;
    /** The same as {@link off}. */
    removeListener(name: EventName<Events>, fn?: Listener): this;
    /** Removes all listeners of `name`, or of everything. */
    removeAllListeners(name?: EventName<Events>): this;
}

/** Where the client is.
 *
 * - `idle`: `connect()` was not called yet
 * - `connecting`: the first attempt is under way
 * - `connected`: open and configured; requests flow
 * - `reconnecting`: the connection was lost or did not come about; it tries again
 * - `offline`: the same, and the browser says that there is no network: this costs no retries
 * - `closed`: ended, by `disconnect()`, by the server, or out of retries; in the last case it tries
 *   again when the browser says that it has a network again
 * - `refused`: the server's authorizer said no; `connect()` may be called again
 */
type State = "idle" | "connecting" | "connected" | "reconnecting" | "offline" | "closed" | "refused";
/** What every answer carries. */
interface Answer {
    /** `"response"`; absent when the answer came over HTTP. */
    context?: string;
    /** The number of the request it answers; absent when it came over HTTP. */
    messageCount?: number;
    [field: string]: any;
}
/** The server's view of this connection. */
interface Details {
    /** The connection's id. */
    id: string;
    /** The session this connection belongs to, if any. */
    fingerprint: string | null;
    /** The client's address as the server sees it. */
    remoteIP: string;
    /** The client's port as the server sees it. */
    remotePort: number;
    /** Sticky parameters; always empty on this kind of connection. */
    params: Record<string, unknown>;
    /** When the connection was made, in ms since 1970. */
    connectedAt: number;
    /** The rooms it is in. */
    rooms: string[];
    /** How many actions it has called. */
    totalActions: number;
    /** How many of them are running. */
    pendingActions: number;
}
/** A room and who is in it. */
interface RoomState {
    /** The room's name. */
    room: string;
    /** The members by connection id. */
    members: Record<string, {
        id: string;
        joinedAt: number;
        [extra: string]: unknown;
    }>;
    /** How many there are in all. */
    membersCount: number;
    /** With this as the option `after`, `roomView` gives the next page; absent on the last one. */
    next?: string;
}
/** An answer whose `data` can also be read directly: `answer.id` is `answer.data.id`. */
type Unwrapped<T> = T & Answer & {
    data: T;
};
/** A file. */
interface FileAnswer<Content = string> extends Answer {
    /** Always null here; a file that is not there rejects. */
    error: null;
    /** The content: text, or base64 when `encoding` says so; or as asked for with `as`. */
    content: Content;
    /** The MIME type. */
    mime: string;
    /** The length in bytes. */
    length: number;
    /** When it was last changed, as an ISO date. */
    lastModified: string;
    /** `"base64"` when the content is not text. */
    encoding?: string;
}
/** A message from a room. */
interface ChatMessage {
    /** What was said: any JSON value. */
    message: any;
    /** The room. */
    room: string;
    /** The sender's connection id; 0 means the server. */
    from: string | 0;
    /** Always `"user"`. */
    context: "user";
    /** When, in ms since 1970. */
    sentAt: number;
}
/** A room, and whether this connection is in it. */
interface Membership {
    /** The room. */
    room: string;
    /** The server counts this connection as a member. Never without a connection. */
    joined: boolean;
    /** The last refusal, or why the server took it out; null when it is in, or nothing was refused. */
    error: StellarError | null;
}
/** The events of the client and what their listeners get. */
interface ClientEvents {
    /** A connection is configured: the first one, and each that comes after it. */
    connected: [details: Unwrapped<Details> | null];
    /** The connection ended, for now or for good. */
    disconnected: [reason: StellarError];
    /** Something failed that no request stands for, or a verb was refused. */
    error: [error: StellarError | Error];
    /** The connection is back: rooms joined again, queue sent. `connected` follows. */
    reconnect: [details: Unwrapped<Details> | null];
    /** Another attempt will be made after a delay in ms. */
    reconnecting: [next: {
        attempt: number;
        delay: number;
    }];
    /** Every message that came in, whatever it is. */
    message: [message: any];
    /** A message with the context `alert`. */
    alert: [message: any];
    /** A message with the context `api`, or with a context of the application's own. */
    api: [message: any];
    /** The server's greeting. */
    welcome: [message: any];
    /** A message from a room. */
    say: [message: ChatMessage];
    /** This connection came into a room, or left it, or was refused. */
    membership: [membership: Membership];
    /** The state changed. */
    state: [state: State, previous: State];
    /** A message went out, under this number. */
    send: [message: any, messageCount: number];
}
/**
 * The events of a client: its own, and those of rooms, whose listeners get the data and the whole
 * message. `Events` says what data each of these has.
 */
type EventsOf<Events> = ClientEvents & {
    [Name in Exclude<keyof Events & string, keyof ClientEvents>]: [data: Events[Name], message: ChatMessage];
};
/** Events of rooms of any name, with any data: what to give where they are not declared. */
interface AnyEvents {
    [name: string]: any;
}
/** The callback of verbs that the guide gives as `callback(error, answer)`. */
type ErrorFirst<T> = (error: StellarError | null, answer?: T) => void;
/** The callback of verbs that the guide gives as `callback(answer, error)`. */
type AnswerFirst<T> = (answer: T, error: StellarError | null) => void;
/** Last arguments of a method: a callback, options, or both. */
type Rest<Callback, Options = RequestOptions> = [] | [callback: Callback | undefined, options?: Options] | [options: Options];
/** One action's types, as a server prints them. */
interface ActionTypes {
    /** What it takes. */
    params: any;
    /** What it answers. */
    result: any;
}
/** The actions of a client that was not told of any: all names, with anything. */
interface AnyActions {
    [name: string]: {
        params: Record<string, any> | null | undefined;
        result: Answer;
    };
}
/** What an action answers, and with it what every answer carries. */
type ActionAnswer<Action> = Action extends {
    result: infer Result;
} ? Result & {
    context?: string;
    messageCount?: number;
} : Answer;
/**
 * Last arguments of an action: its parameters, which may be left out when none is required, and
 * then as {@link Rest}.
 */
type ActionRest<Action> = Action extends {
    params: infer Params;
} ? Parameterless<Params> extends true ? Rest<AnswerFirst<ActionAnswer<Action>>> | WithParams<Action, Params> : WithParams<Action, Params> : never;
/** Arguments of the `call` of a hook: the action's parameters, left out where none is required. */
type CallRest<Action> = Action extends {
    params: infer Params;
} ? Parameterless<Params> extends true ? [params?: Params | null, options?: RequestOptions] : [params: Params, options?: RequestOptions] : never;
/** A client as hooks see its actions: what they take and give is in its type alone. */
interface WithActions<Actions> {
    /** Never set: carries the types of the actions. */
    readonly "~actions"?: Actions;
}
/** A client as hooks see its events: what they are is in its type alone. */
interface WithEvents<Events> {
    /** Never set: carries the types of the events. */
    readonly "~events"?: Events;
}
/** What hooks use of a client. */
interface HookClient {
    /** Where it is. */
    readonly state: State;
    /** Adds a listener. */
    on(name: any, fn: Listener): unknown;
    /** Removes a listener. */
    off(name?: any, fn?: Listener): unknown;
    /** Rooms to hear events from. */
    from(room: string): {
        on(event: string, fn: Listener): unknown;
        off(event: string, fn?: Listener): unknown;
    };
    /** Says something in a room. */
    say(room: string, message: unknown, options: RequestOptions): Promise<Answer>;
    /** Stays in a room until the returned function is called. */
    subscribe(room: string, changed: (membership: Membership) => void): () => void;
}
/** Whether nothing at all may be given: nothing is required. */
type Parameterless<Params> = {} extends Params ? true : null extends Params ? true : undefined extends Params ? true : false;
type WithParams<Action, Params> = [
    params: Params,
    callback?: AnswerFirst<ActionAnswer<Action>> | RequestOptions | undefined,
    options?: RequestOptions
];

/**
 * What an interceptor calls when it is done:
 * - `next()` goes on with the request
 * - `next(answer)` answers it without the server
 * - `next(null, error)` rejects it
 * - `next(change)` goes on, and `change` gets the answer (or the error) before the caller
 */
type Next = (result?: Record<string, unknown> | ((answer: any) => void) | null, error?: unknown) => void;
/**
 * Sees an action's parameters before they are sent; may change them. `this` is the client. What it
 * throws rejects the action, as `reject` does.
 */
type Interceptor = (this: any, params: Record<string, any>, next: Next, reject: (error: unknown) => void) => unknown;

/** How the client tries again after a lost connection. */
interface ReconnectOptions {
    /** The longest first delay in ms; default 500. */
    min: number;
    /** The longest delay in ms; default 30,000. */
    max: number;
    /** The growth from one attempt to the next; default 2. */
    factor: number;
    /** How many attempts before giving up; `null` (the default) for no end. */
    retries: number | null;
    /** How long an attempt after the first may take, in ms; default: the option `timeout`. */
    "reconnect timeout"?: number | null;
}

/** One live connection of an engine, as the state machine sees it. */
interface Transport {
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
interface Refusal {
    /** What it says. */
    message: string;
    /** The HTTP status, if it came by HTTP. */
    status?: number;
}
/** What an engine tells. */
interface TransportEvents {
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
interface TransportContext {
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
type WebSocketClass = new (url: string) => any;
/** Opens a connection of an engine. A throw means that this cannot work here. */
type Connect = (context: TransportContext, events: TransportEvents) => Transport;
/** The engines of a build by name; each with its ways, of which the first uses WebSockets. */
type Transports = Record<string, Connect[]>;

/** An engine that the client can have. */
type Engine = "ws" | "engine.io" | "socket.io" | "sockjs";
/** Parameters of the connection's address; what is null or undefined is left out. */
type Query = Record<string, string | number | boolean | null | undefined>;
/** Everything that can be set; what is left out comes from the server, then from the defaults. */
interface ClientOptions {
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
interface Resolved extends Required<Omit<ClientOptions, "apiPath" | "parser" | "version" | "WebSocket" | "fetch" | "transport" | "paths">> {
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

/** What a scope uses of its client. */
interface ScopeHost {
    on(name: string, fn: Listener): unknown;
    off(name: string, fn?: Listener): unknown;
}
/** Some rooms, to send events to or to hear events from. */
declare class Scope {
    private _client;
    private _rooms;
    constructor(_client: ScopeHost, rooms: string | string[]);
    /** Adds rooms. */
    to(rooms: string | string[]): Scope;
    /** The same as {@link to}, for reading. */
    from(rooms: string | string[]): Scope;
    /** The same as {@link to}, as a guide spells it. */
    for(rooms: string | string[]): Scope;
    /** Sends an event to each of the rooms. */
    emit(event: string, data?: unknown): Promise<Answer[]>;
    /** Calls `fn(data, message)` when the event happens in one of the rooms. */
    on(event: string, fn: (data: any, message: any) => void): this;
    /** Takes {@link on} back. */
    off(event: string, fn?: Listener): this;
}

/** Makes a connection of a socket of another library, if it is one of those that this is for. */
type Adapter = (socket: any, events: TransportEvents) => Transport | false | undefined;

/** What a build is made of. */
interface Build {
    /** Its codec. */
    codec: Codec;
    /** Its engines. */
    transports: Transports;
    /** What makes one engine of several, if the build can. */
    fallback?: (options: Resolved, transports: Transports) => Connect | undefined;
    /** The sockets of other libraries that it takes, besides those of Primus. */
    own: Adapter[];
}
/**
 * A client of one server. Every method that asks the server something returns a promise
 * and also takes a callback, whose arguments are in the order that the guide gives. As the
 * last argument they take {@link RequestOptions}.
 */
declare class Client<Actions = AnyActions, Events = {}> extends Emitter<EventsOf<Events>> implements WithActions<Actions>, WithEvents<Events> {
    /** Never set: carries the types of the actions, for hooks. */
    readonly "~actions"?: Actions;
    /** Never set: carries the types of the events of rooms, for hooks. */
    readonly "~events"?: Events;
    /** This connection's id, once connected; another one after a reconnect. */
    id: string | null;
    /** The session this connection belongs to. */
    fingerprint: string | null;
    /** The server's view of this connection, as of when it was configured; anew on each connection. */
    details: Unwrapped<Details> | null;
    /** The text the server greeted with. */
    welcomeMessage: string | null;
    /** Called with an action's parameters before it is sent; see {@link Interceptor}. */
    interceptors: Interceptor[];
    /** The options in effect. */
    readonly options: Resolved;
    private _codec;
    private _connection;
    private _requests;
    private _waiting;
    private _memberships;
    private _known?;
    constructor(options: ClientOptions | string, { codec, transports, fallback, own }: Build, transport?: unknown);
    /** Where the client is. */
    get state(): State;
    /** The live connection underneath, if there is one; its `name` is the engine's. */
    get transport(): Transport | null;
    /** The rooms that the server counts this connection in: none while there is no connection. */
    get rooms(): string[];
    /**
     * The rooms it wants to be in, which are joined on every connection: those of the options, those
     * that were joined, and those that the server took it into; not those that were left, refused for
     * good or destroyed, or that the server took it out of.
     */
    get wanted(): string[];
    /** How many requests wait to be sent. */
    get queued(): number;
    /** How many requests wait for their answer. */
    get pending(): number;
    /**
     * Connects. Tells the details of the connection, or the error of the first attempt; after
     * an error it keeps trying unless told not to, and `connected` comes when it succeeds. An
     * open connection is closed and a new one made.
     */
    connect(callback?: ErrorFirst<Unwrapped<Details>>): Promise<Unwrapped<Details>>;
    /** Ends the connection for good; what waits for an answer or to be sent is rejected. */
    disconnect(callback?: ErrorFirst<void>): Promise<void>;
    /**
     * Calls an action. Without an open connection it goes over HTTP. The answer holds the
     * action's fields; rejects if it has an `error`.
     */
    action<Name extends keyof Actions & string>(name: Name, ...rest: ActionRest<Actions[Name]>): Promise<ActionAnswer<Actions[Name]>>;
    /** Says something in a room this connection is in; in the default room if only given a message. */
    say(room: string, message: unknown, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    say(message: unknown, callback?: ErrorFirst<Answer>): Promise<Answer>;
    /** Asks for the server's view of this connection. */
    detailsView(...rest: Rest<ErrorFirst<Unwrapped<Details>>>): Promise<Unwrapped<Details>>;
    /** Asks for the details again and stores them in `details`, `id`, `fingerprint`, `rooms`. */
    configure(...rest: Rest<ErrorFirst<Unwrapped<Details>>>): Promise<Unwrapped<Details>>;
    /**
     * Asks who is in a room. The callback is `(answer, error)`. Of a large room the answer is a page
     * of the members; where it has `next`, that is the option `after` of the next page.
     */
    roomView(room: string, ...rest: Rest<AnswerFirst<Unwrapped<RoomState>>, RoomViewOptions>): Promise<Unwrapped<RoomState>>;
    /**
     * Joins a room; it is joined again after every reconnect. Where that was done already, asking for
     * it once more is no fault. Rejects at once with any refusal; {@link subscribe} tries again.
     */
    roomAdd(room: string, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    /** Leaves a room. Whatever the server answers, it is not joined again. */
    roomLeave(room: string, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    /**
     * Stays in a room until the returned function is called: joins it on every connection, and again
     * after refusals that pass, such as a full room. `changed` is called at once and on each change.
     * The last subscription to go leaves the room, unless it was joined by {@link roomAdd} too.
     */
    subscribe(room: string, changed: (membership: Membership) => void): () => void;
    /** Joins a room; the same as {@link roomAdd}. */
    join(room: string, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    /** Leaves a room; the same as {@link roomLeave}. */
    leave(room: string, ...rest: Rest<ErrorFirst<Answer>>): Promise<Answer>;
    /**
     * Asks for a file of the server's public folder. The callback is `(answer, error)`. The
     * option `as` turns the content into `"bytes"` or a `"blob"`.
     */
    file(path: string, options: FileOptions<"bytes">): Promise<FileAnswer<Uint8Array>>;
    file(path: string, options: FileOptions<"blob">): Promise<FileAnswer<Blob>>;
    file(path: string, ...rest: Rest<AnswerFirst<FileAnswer>>): Promise<FileAnswer>;
    /**
     * Sends a message of the protocol as it is, and tells its answer. The callback is
     * `(answer, error)`.
     */
    send(message: Record<string, unknown>, ...rest: Rest<AnswerFirst<Answer>>): Promise<Answer>;
    /** Sends an event to the default room. */
    emit(event: string, data?: unknown): Promise<Answer>;
    /** Rooms to send events to, or to hear events from. */
    to(rooms: string | string[]): Scope;
    /** The same as {@link to}, for reading. */
    from(rooms: string | string[]): Scope;
    /** The same as {@link to}, as a guide spells it. */
    for(rooms: string | string[]): Scope;
    /** Sets the room that `say` and `emit` use when none is named. */
    setDefaultRoom(room: string): void;
    private _verb;
    private _own;
    private _store;
    /** Settles what waits for the connection. */
    private _tell;
}
/** Options of {@link Client.file}. */
interface FileOptions<As extends "bytes" | "blob" = "bytes" | "blob"> extends RequestOptions {
    /** What to turn the content into; without it, it stays as it came. */
    as?: As;
}
/** Options of {@link Client.roomView}. */
interface RoomViewOptions extends RequestOptions {
    /** How many members the page has at most; the server has a bound of its own. */
    limit?: number;
    /** The page begins after this id: `next` of the answer before. */
    after?: string;
}

/** A room as a component sees it. */
interface Room<Messages, Joined, Failure> {
    /** What was said since it came in, the oldest first. */
    messages: Messages;
    /** Whether it is in: never without a connection. */
    joined: Joined;
    /** Why it is not, if it was refused. After refusals that pass it tries again. */
    error: Failure;
    /** Says something there. */
    say(message: unknown, options?: RequestOptions): Promise<Answer>;
}

export { Client, Emitter, Scope, StellarError };
export type { ActionAnswer, ActionRest, ActionTypes, Answer, AnswerFirst, AnyActions, AnyEvents, Build, CallRest, ChatMessage, ClientErrorCode, ClientEvents, ClientOptions, Codec, Connect, Details, Engine, ErrorFirst, EventArgs, EventName, EventsOf, FileAnswer, FileOptions, HookClient, Interceptor, Listener, Membership, Next, Payload, Query, ReconnectOptions, Refusal, RequestOptions, Resolved, Rest, Room, RoomState, RoomViewOptions, State, Transport, TransportContext, TransportEvents, Transports, Unwrapped, WebSocketClass, WithActions, WithEvents };
