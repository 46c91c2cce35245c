import type { Codec } from "./codec/codec.cjs";
import type { RequestOptions } from "./deadline.cjs";
import { Emitter } from "./emitter.cjs";
import { type Interceptor } from "./interceptors.cjs";
import { type ClientOptions, type Resolved } from "./options.cjs";
import { Scope } from "./scope.cjs";
import type { Adapter } from "./transports/own/adapter.cjs";
import type { Connect, Transport, Transports } from "./transports/transport.cjs";
import type * as T from "./types.cjs";
/** What a build is made of. */
export interface Build {
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
export declare class Client<Actions = T.AnyActions, Events = {}> extends Emitter<T.EventsOf<Events>> implements T.WithActions<Actions>, T.WithEvents<Events> {
    /** Never set: carries the types of the actions, for hooks. */
    readonly "~actions"?: Actions;
    /** Never set: carries the types of the events of rooms, for hooks. */
    readonly "~events"?: Events;
    /** This connection's id, once connected; another one after a reconnect. */
    id: string | null;
    /** The session this connection belongs to. */
    fingerprint: string | null;
    /** The server's view of this connection, as of when it was configured; anew on each connection. */
    details: T.Unwrapped<T.Details> | null;
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
    get state(): T.State;
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
    connect(callback?: T.ErrorFirst<T.Unwrapped<T.Details>>): Promise<T.Unwrapped<T.Details>>;
    /** Ends the connection for good; what waits for an answer or to be sent is rejected. */
    disconnect(callback?: T.ErrorFirst<void>): Promise<void>;
    /**
     * Calls an action. Without an open connection it goes over HTTP. The answer holds the
     * action's fields; rejects if it has an `error`.
     */
    action<Name extends keyof Actions & string>(name: Name, ...rest: T.ActionRest<Actions[Name]>): Promise<T.ActionAnswer<Actions[Name]>>;
    /** Says something in a room this connection is in; in the default room if only given a message. */
    say(room: string, message: unknown, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer>;
    say(message: unknown, callback?: T.ErrorFirst<T.Answer>): Promise<T.Answer>;
    /** Asks for the server's view of this connection. */
    detailsView(...rest: T.Rest<T.ErrorFirst<T.Unwrapped<T.Details>>>): Promise<T.Unwrapped<T.Details>>;
    /** Asks for the details again and stores them in `details`, `id`, `fingerprint`, `rooms`. */
    configure(...rest: T.Rest<T.ErrorFirst<T.Unwrapped<T.Details>>>): Promise<T.Unwrapped<T.Details>>;
    /** Asks who is in a room. The callback is `(answer, error)`. */
    roomView(room: string, ...rest: T.Rest<T.AnswerFirst<T.Unwrapped<T.RoomState>>>): Promise<T.Unwrapped<T.RoomState>>;
    /**
     * Joins a room; it is joined again after every reconnect. Where that was done already, asking for
     * it once more is no fault. Rejects at once with any refusal; {@link subscribe} tries again.
     */
    roomAdd(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer>;
    /** Leaves a room. Whatever the server answers, it is not joined again. */
    roomLeave(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer>;
    /**
     * Stays in a room until the returned function is called: joins it on every connection, and again
     * after refusals that pass, such as a full room. `changed` is called at once and on each change.
     * The last subscription to go leaves the room, unless it was joined by {@link roomAdd} too.
     */
    subscribe(room: string, changed: (membership: T.Membership) => void): () => void;
    /** Joins a room; the same as {@link roomAdd}. */
    join(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer>;
    /** Leaves a room; the same as {@link roomLeave}. */
    leave(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer>;
    /**
     * Asks for a file of the server's public folder. The callback is `(answer, error)`. The
     * option `as` turns the content into `"bytes"` or a `"blob"`.
     */
    file(path: string, options: FileOptions<"bytes">): Promise<T.FileAnswer<Uint8Array>>;
    file(path: string, options: FileOptions<"blob">): Promise<T.FileAnswer<Blob>>;
    file(path: string, ...rest: T.Rest<T.AnswerFirst<T.FileAnswer>>): Promise<T.FileAnswer>;
    /**
     * Sends a message of the protocol as it is, and tells its answer. The callback is
     * `(answer, error)`.
     */
    send(message: Record<string, unknown>, ...rest: T.Rest<T.AnswerFirst<T.Answer>>): Promise<T.Answer>;
    /** Sends an event to the default room. */
    emit(event: string, data?: unknown): Promise<T.Answer>;
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
export interface FileOptions<As extends "bytes" | "blob" = "bytes" | "blob"> extends RequestOptions {
    /** What to turn the content into; without it, it stays as it came. */
    as?: As;
}
