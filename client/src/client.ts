import type { Codec, Payload } from "./codec/codec";
import { tail, tell } from "./callbacks";
import { connection, type Connection } from "./connection";
import type { RequestOptions } from "./deadline";
import { Emitter, type Listener } from "./emitter";
import { serverError, StellarError } from "./errors";
import { decodeFile } from "./files";
import { httpAction } from "./http";
import { intercept, type Interceptor } from "./interceptors";
import { resolve, type ClientOptions, type Resolved } from "./options";
import { requests, type Requests } from "./requests";
import { memberships, type Rooms, type Settle } from "./rooms";
import { Scope, scoped, type ScopeHost } from "./scope";
import type { Adapter } from "./transports/own/adapter";
import { ownSocket } from "./transports/own/own";
import type { Connect, Transport, Transports } from "./transports/transport";
import type * as T from "./types";
import { fields, invalid, pack, valid } from "./values";

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

// Names that only the client itself may tell: a room's event of such a name is told to its scope
// alone, so that what others send cannot pass for a state of the connection or for another room.
const reserved =
  /^((dis)?connected|error|reconnect(ing)?|me(ssage|mbership)|alert|api|welcome|say|state|send)$|^\[/;

// What has the same letters as one of these, and as many but for one, is a slip of the pen.
const names =
  "connected disconnected reconnect reconnecting message membership welcome error".split(" ");
const letters = (name: string) => [...new Set(name.toLowerCase())].sort().join();

/**
 * A client of one server. Every method that asks the server something returns a promise
 * and also takes a callback, whose arguments are in the order that the guide gives. As the
 * last argument they take {@link RequestOptions}.
 */
export class Client<Actions = T.AnyActions, Events = {}>
  extends Emitter<T.EventsOf<Events>>
  implements T.WithActions<Actions>, T.WithEvents<Events>
{
  /** Never set: carries the types of the actions, for hooks. */
  declare readonly "~actions"?: Actions;
  /** Never set: carries the types of the events of rooms, for hooks. */
  declare readonly "~events"?: Events;
  /** This connection's id, once connected; another one after a reconnect. */
  id: string | null = null;
  /** The session this connection belongs to. */
  fingerprint: string | null = null;
  /** The server's view of this connection, as of when it was configured; anew on each connection. */
  details: T.Unwrapped<T.Details> | null = null;
  /** The text the server greeted with. */
  welcomeMessage: string | null = null;
  /** Called with an action's parameters before it is sent; see {@link Interceptor}. */
  interceptors: Interceptor[] = [];
  /** The options in effect. */
  readonly options: Resolved;

  private _codec: Codec;
  private _connection: Connection;
  private _requests: Requests;
  private _waiting: [(details: any) => void, (error: StellarError) => void][] = [];
  private _memberships: Rooms;
  private _known?: boolean;

  constructor(
    options: ClientOptions | string,
    { codec, transports, fallback, own }: Build,
    transport?: unknown,
  ) {
    super();
    const o = (this.options = resolve(typeof options === "string" ? { url: options } : options));
    const given = o.transport ?? transport;
    const connect = given
      ? ownSocket(given, own)
      : fallback
        ? fallback(o, transports)
        : transports[o.transports.find((name) => transports[name])!]?.[0];
    const parser = (o.parser ?? codec.name).toLowerCase();
    if (!connect || parser !== codec.name) {
      throw new StellarError("unsupported", `No engine of ${o.transports} with ${parser} here`);
    }
    this._requests = requests(this, o);
    this._memberships = memberships(this, o.rooms, o.timeout / 2);
    this._codec = codec;
    this._connection = connection(this, o, codec, connect);
  }

  /** Where the client is. */
  get state(): T.State {
    return this._connection._state();
  }

  /** The live connection underneath, if there is one; its `name` is the engine's. */
  get transport(): Transport | null {
    return this._connection._transport();
  }

  /** The rooms that the server counts this connection in: none while there is no connection. */
  get rooms(): string[] {
    return this._memberships._in();
  }

  /**
   * The rooms it wants to be in, which are joined on every connection: those of the options, those
   * that were joined, and those that the server took it into; not those that were left, refused for
   * good or destroyed, or that the server took it out of.
   */
  get wanted(): string[] {
    return this._memberships._wanted();
  }

  /** How many requests wait to be sent. */
  get queued(): number {
    return this._requests._queued();
  }

  /** How many requests wait for their answer. */
  get pending(): number {
    return this._requests._pending();
  }

  /**
   * Connects. Tells the details of the connection, or the error of the first attempt; after
   * an error it keeps trying unless told not to, and `connected` comes when it succeeds. An
   * open connection is closed and a new one made.
   */
  connect(callback?: T.ErrorFirst<T.Unwrapped<T.Details>>): Promise<T.Unwrapped<T.Details>> {
    const promise = new Promise<any>((...waiting) => {
      this._waiting.push(waiting);
    });
    // Failing is also told as `error`, so a caller may leave this promise alone.
    promise.catch(() => {});
    this._connection._open();
    return tell(promise, callback);
  }

  /** Ends the connection for good; what waits for an answer or to be sent is rejected. */
  disconnect(callback?: T.ErrorFirst<void>): Promise<void> {
    this._connection._close();
    return tell(Promise.resolve(), callback);
  }

  /**
   * Calls an action. Without an open connection it goes over HTTP. The answer holds the
   * action's fields; rejects if it has an `error`.
   */
  action<Name extends keyof Actions & string>(
    name: Name,
    ...rest: T.ActionRest<Actions[Name]>
  ): Promise<T.ActionAnswer<Actions[Name]>>;
  action(name: string, ...rest: any[]): Promise<any> {
    const params = typeof rest[0] === "function" ? null : rest.shift();
    const [callback, limits] = tail(rest);
    const answer = new Promise<T.Answer>((resolve) => {
      const all = { ...fields(params), action: name };
      const request = () => {
        if (this.state === "connected" || !this.options.fetch) {
          return this._requests._request({ event: "action", params: all }, limits);
        }
        const { requestTimeout } = this.options;
        return valid(() => httpAction(this.options, all, { timeout: requestTimeout, ...limits }));
      };
      resolve(intercept(this, all, request));
    });
    return tell(answer, callback, true);
  }

  /** Says something in a room this connection is in; in the default room if only given a message. */
  say(room: string, message: unknown, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer>;
  say(message: unknown, callback?: T.ErrorFirst<T.Answer>): Promise<T.Answer>;
  say(...args: any[]): Promise<T.Answer> {
    // By how many there are: a message that is undefined is not said elsewhere.
    if (args.length < 2 || typeof args[1] === "function") args.unshift(this.options.defaultRoom);
    const [room, message, ...rest] = args;
    return this._verb({ event: "say", room, message }, rest);
  }

  /** Asks for the server's view of this connection. */
  detailsView(
    ...rest: T.Rest<T.ErrorFirst<T.Unwrapped<T.Details>>>
  ): Promise<T.Unwrapped<T.Details>> {
    return this._verb({ event: "detailsView" }, rest);
  }

  /** Asks for the details again and stores them in `details`, `id`, `fingerprint`, `rooms`. */
  configure(...rest: T.Rest<T.ErrorFirst<T.Unwrapped<T.Details>>>): Promise<T.Unwrapped<T.Details>> {
    return this._verb({ event: "detailsView" }, rest, (answer) => this._store(answer));
  }

  /**
   * Asks who is in a room. The callback is `(answer, error)`. Of a large room the answer is a page
   * of the members; where it has `next`, that is the option `after` of the next page.
   */
  roomView(
    room: string,
    ...rest: T.Rest<T.AnswerFirst<T.Unwrapped<T.RoomState>>, RoomViewOptions>
  ): Promise<T.Unwrapped<T.RoomState>> {
    const { limit, after } = tail<RoomViewOptions>([...rest])[1];
    const page = limit == null && after == null ? {} : { params: { limit, after } };
    return this._verb({ event: "roomView", room, ...page }, rest, undefined, true);
  }

  /**
   * Joins a room; it is joined again after every reconnect. Where that was done already, asking for
   * it once more is no fault. Rejects at once with any refusal; {@link subscribe} tries again.
   */
  roomAdd(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer> {
    return this._verb({ event: "roomAdd", room }, rest);
  }

  /** Leaves a room. Whatever the server answers, it is not joined again. */
  roomLeave(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer> {
    return this._verb({ event: "roomLeave", room }, rest);
  }

  /**
   * Stays in a room until the returned function is called: joins it on every connection, and again
   * after refusals that pass, such as a full room. `changed` is called at once and on each change.
   * The last subscription to go leaves the room, unless it was joined by {@link roomAdd} too.
   */
  subscribe(room: string, changed: (membership: T.Membership) => void): () => void {
    const hear = (membership: T.Membership) => {
      if (membership.room === room) changed(membership);
    };
    const release = this._memberships._hold(room);
    this._add("membership", hear);
    changed(this._memberships._state(room));
    return () => {
      this.off("membership", hear);
      release();
    };
  }

  /** Joins a room; the same as {@link roomAdd}. */
  join(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer> {
    return this.roomAdd(room, ...rest);
  }

  /** Leaves a room; the same as {@link roomLeave}. */
  leave(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer> {
    return this.roomLeave(room, ...rest);
  }

  /**
   * Asks for a file of the server's public folder. The callback is `(answer, error)`. The
   * option `as` turns the content into `"bytes"` or a `"blob"`.
   */
  file(path: string, options: FileOptions<"bytes">): Promise<T.FileAnswer<Uint8Array>>;
  file(path: string, options: FileOptions<"blob">): Promise<T.FileAnswer<Blob>>;
  file(path: string, ...rest: T.Rest<T.AnswerFirst<T.FileAnswer>>): Promise<T.FileAnswer>;
  file(path: string, ...rest: unknown[]): Promise<any> {
    const [callback, limits] = tail<FileOptions>(rest);
    const ask = async () => {
      const { as } = limits;
      if (as && !/^(bytes|blob)$/.test(String(as))) throw invalid("The option as is bytes or blob");
      return decodeFile(await this._requests._request({ event: "file", file: path }, limits), as);
    };
    return tell(ask(), callback, true);
  }

  /**
   * Sends a message of the protocol as it is, and tells its answer. The callback is
   * `(answer, error)`.
   */
  send(
    message: Record<string, unknown>,
    ...rest: T.Rest<T.AnswerFirst<T.Answer>>
  ): Promise<T.Answer> {
    return this._verb(message, rest, undefined, true);
  }

  /** Sends an event to the default room. */
  emit(event: string, data?: unknown): Promise<T.Answer> {
    return this._event(this.options.defaultRoom, event, data);
  }

  /** Rooms to send events to, or to hear events from. */
  to(rooms: string | string[]): Scope {
    return new Scope(this as unknown as ScopeHost, rooms);
  }

  /** The same as {@link to}, for reading. */
  from(rooms: string | string[]): Scope {
    return this.to(rooms);
  }

  /** The same as {@link to}, as a guide spells it. */
  for(rooms: string | string[]): Scope {
    return this.to(rooms);
  }

  /** Sets the room that `say` and `emit` use when none is named. */
  setDefaultRoom(room: string): void {
    this.options.defaultRoom = room;
  }

  /** @internal */
  override _add(name: string, fn: Listener, once?: boolean): this {
    const own = names.find(
      (own) => Math.abs(own.length - name.length) < 2 && letters(own) === letters(name),
    );
    if (own && own !== name) console.warn(`StellarClient: the event is ${own}, not ${name}`);
    return super._add(name, fn, once);
  }

  /** @internal */
  _event(room: string, event: string, data: unknown = null): Promise<T.Answer> {
    return this._verb({ event: "event", params: { room, event, data } }, []);
  }

  private _verb(
    body: Record<string, any>,
    rest: readonly unknown[],
    done?: (answer: T.Answer) => void,
    answerFirst?: boolean,
  ): Promise<any> {
    const [callback, limits] = tail(rest as unknown[]);
    let room: any;
    let move: RegExpExecArray | null | undefined;
    try {
      room = body.room;
      move = /^room(Add|Join|(Leave))$/.exec(body.event);
    } catch {
      // What cannot be read is rejected below, with the reason.
    }
    const follow = (): Settle =>
      move
        ? this._memberships._follow(!move[2], room)
        : (answer, error) => {
            const place = room ?? body.params?.room;
            if (!error) done?.(answer);
            // Then the server has taken this connection out of it, or has no such room any more.
            else if (/^01[69]$/.test(error.code)) this._memberships._evidence(place, false);
          };
    if (move?.[2] && !this._requests._names(room)) this._memberships._drop(room);
    const answer = this._requests
      ._request(body, limits, false, follow)
      .then(unwrap, (error) => {
        // Refused by the server: the guide also tells it as an event.
        if (error.response) this._emit("error", error);
        throw error;
      });
    return tell(answer, callback, answerFirst);
  }

  /**
   * Sets a new connection up: its details, and the rooms that are wanted.
   * @internal
   */
  _setUp(): Promise<void> {
    this.id = this.details = null;
    return this._memberships._begin();
  }

  /** @internal */
  _move(join: boolean, room: string, settle: Settle): Promise<unknown> {
    return this._own({ event: join ? "roomAdd" : "roomLeave", room }, settle);
  }

  /** @internal */
  _look(settle: Settle): Promise<unknown> {
    // Servers that know the parameters push when they change this connection's memberships,
    // and say when to come back, before they send it away.
    const params = { memberships: true, goodbye: true };
    return this._own({ event: "detailsView", params }, (answer, error) => {
      if (!error) this._store(answer);
      settle(answer, error);
    });
  }

  private _own(body: Record<string, unknown>, settle: Settle): Promise<unknown> {
    const { timeout } = this.options;
    return this._requests._request(body, { timeout }, true, () => settle);
  }

  private _store(answer: T.Answer): void {
    const { data } = answer;
    this.details = unwrap(answer);
    this.id = data.id;
    this.fingerprint = data.fingerprint;
    if (data.rooms) this._memberships._truth(data.rooms);
  }

  /** @internal */
  _ready(): void {
    this._requests._flush();
    const { details, rooms } = this;
    // Those of them that were joined again since.
    if (details) details.rooms = details.data.rooms = rooms;
    this._tell(0, details);
    if (this._known) this._emit("reconnect", details);
    this._known = true;
    // A listener may have ended it.
    if (this.state === "connected") this._emit("connected", details);
  }

  /** @internal */
  _pack(body: unknown): [message: any, payload: Payload] {
    return pack(body, this._codec, this.options.maxLength);
  }

  /** @internal */
  _send(payload: Payload, message: unknown): void {
    this._connection._send(payload, message);
  }

  /** @internal */
  _lost(error: StellarError): void {
    this._memberships._lost();
    this._requests._lost(error);
  }

  /** @internal */
  _became(next: T.State, previous: T.State): void {
    if (next !== previous) this._emit("state", next, previous);
    this._memberships._flush();
  }

  /** Settles what waits for the connection. */
  private _tell(place: 0 | 1, outcome: any): void {
    for (const waiting of this._waiting.splice(0)) waiting[place](outcome);
  }

  /** @internal */
  _failed(error: StellarError): void {
    this._tell(1, error);
    this._emit("error", error);
  }

  /** @internal */
  _ended(error: StellarError): void {
    this._tell(1, error);
    this._requests._ended(error);
  }

  /** @internal */
  _message(message: any): void {
    this._emit("message", message);
    const { context, message: said, room, from, welcome } = message ?? {};
    if (context === "response") this._requests._answer(message);
    else if (context === "user") {
      const { event, data } = said ?? {};
      const destroyed = event === "destroy";
      // Any member can say anything: what only the server may say is believed from it alone.
      if (destroyed && from === 0 && data?.code === "018") {
        this._memberships._destroyed(room, serverError(data));
      } else this._memberships._evidence(room, true);
      this._emit("say", message);
      // The event that later releases say things with.
      if (typeof event !== "string") return this._emit(scoped(room, "message"), said, message);
      if (destroyed && from !== 0) return;
      if (!reserved.test(event)) this._emit(event, data, message);
      this._emit(scoped(room, event), data, message);
    } else if (context === "membership") this._memberships._evidence();
    else if (context === "goodbye") this._connection._spread(message.reconnectWithin);
    else if (context === "api" && welcome != null) {
      this.welcomeMessage = welcome;
      this._emit("welcome", message);
    } else if (context === "alert") this._emit(context, message);
    else if (context != null) this._emit("api", message);
  }
}

/** Options of {@link Client.file}. */
export interface FileOptions<As extends "bytes" | "blob" = "bytes" | "blob"> extends RequestOptions {
  /** What to turn the content into; without it, it stays as it came. */
  as?: As;
}

/** Options of {@link Client.roomView}. */
export interface RoomViewOptions extends RequestOptions {
  /** How many members the page has at most; the server has a bound of its own. */
  limit?: number;
  /** The page begins after this id: `next` of the answer before. */
  after?: string;
}

function unwrap(answer: T.Answer): any {
  const { data } = answer;
  return typeof data === "object" ? { ...data, ...answer } : answer;
}
