import type { Codec, Payload } from "./codec/codec";
import { callbackAndOptions, withCallback } from "./callbacks";
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

/** The parts of a build. */
export interface Build {
  /** The codec. */
  codec: Codec;
  /** The engines. */
  transports: Transports;
  /** Combines several engines into one, if the build includes it. */
  fallback?: (options: Resolved, transports: Transports) => Connect | undefined;
  /** Adapters for sockets of other libraries, besides Primus. */
  own: Adapter[];
}

// Names that only the client itself emits. An event of a room with such a name is emitted in the
// scope of the room only, so that a member cannot forge a connection state or another room's event.
const reserved =
  /^((dis)?connected|error|reconnect(ing)?|me(ssage|mbership)|alert|api|welcome|say|state|send)$|^\[/;

// A name with the same letters as one of these, and about the same length, is likely a typo.
const names =
  "connected disconnected reconnect reconnecting message membership welcome error".split(" ");
const letters = (name: string) => [...new Set(name.toLowerCase())].sort().join();

/**
 * A client of one server.
 *
 * Every method that sends a request returns a promise and accepts an optional callback. The last
 * argument can be {@link RequestOptions}.
 */
export class Client<Actions = T.AnyActions, Events = {}>
  extends Emitter<T.EventsOf<Events>>
  implements T.WithActions<Actions>, T.WithEvents<Events>
{
  /** Never set: carries the types of the actions, for hooks. */
  declare readonly "~actions"?: Actions;
  /** Never set: carries the types of the events of rooms, for hooks. */
  declare readonly "~events"?: Events;
  /** The id of the connection; `null` until connected. Changes with every reconnect. */
  id: string | null = null;
  /** The session that the connection belongs to. */
  fingerprint: string | null = null;
  /** The server's view of the connection, updated on every connect and by {@link configure}. */
  details: T.Unwrapped<T.Details> | null = null;
  /** The text of the server's greeting. */
  welcomeMessage: string | null = null;
  /** Functions that see an action's parameters before it is sent; see {@link Interceptor}. */
  interceptors: Interceptor[] = [];
  /** The options in effect. */
  readonly options: Resolved;

  private _codec: Codec;
  private _connection: Connection;
  private _requests: Requests;
  private _connecting: [(details: any) => void, (error: StellarError) => void][] = [];
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

  /** The state of the connection. */
  get state(): T.State {
    return this._connection._state();
  }

  /** The transport in use, or `null`. Its `name` is the engine's. */
  get transport(): Transport | null {
    return this._connection._transport();
  }

  /** The rooms that the connection is a member of. Empty while disconnected. */
  get rooms(): string[] {
    return this._memberships._in();
  }

  /**
   * The rooms that the client joins on every connection.
   *
   * Contains the rooms of the option `rooms`, joined rooms, and rooms to which the server added the
   * connection. Excludes rooms that were left, refused permanently or destroyed, and rooms from which
   * the server removed the connection.
   */
  get wanted(): string[] {
    return this._memberships._wanted();
  }

  /** The number of requests that are not sent yet. */
  get queued(): number {
    return this._requests._queued();
  }

  /** The number of requests that are sent and not answered yet. */
  get pending(): number {
    return this._requests._pending();
  }

  /**
   * Connects to the server. Closes an open connection first.
   *
   * Resolves with the details of the connection and rejects with the error of the first attempt.
   * After an error the client keeps trying, unless the option `reconnect` is `false`, and emits
   * `connected` on success.
   */
  connect(callback?: T.ErrorFirst<T.Unwrapped<T.Details>>): Promise<T.Unwrapped<T.Details>> {
    const promise = new Promise<any>((...settle) => {
      this._connecting.push(settle);
    });
    // The failure is also emitted as `error`, so a caller may ignore this promise.
    promise.catch(() => {});
    this._connection._open();
    return withCallback(promise, callback);
  }

  /** Closes the connection permanently. Rejects every queued and pending request. */
  disconnect(callback?: T.ErrorFirst<void>): Promise<void> {
    this._connection._close();
    return withCallback(Promise.resolve(), callback);
  }

  /**
   * Calls an action. Uses HTTP while the client is not connected.
   *
   * Resolves with the response, which has the action's fields. Rejects if it has an `error`.
   */
  action<Name extends keyof Actions & string>(
    name: Name,
    ...rest: T.ActionRest<Actions[Name]>
  ): Promise<T.ActionAnswer<Actions[Name]>>;
  action(name: string, ...rest: any[]): Promise<any> {
    const params = typeof rest[0] === "function" ? null : rest.shift();
    const [callback, limits] = callbackAndOptions(rest);
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
    return withCallback(answer, callback, true);
  }

  /** Sends a message to a room that the connection is in. Without a room: to the default room. */
  say(room: string, message: unknown, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer>;
  say(message: unknown, callback?: T.ErrorFirst<T.Answer>): Promise<T.Answer>;
  say(...args: any[]): Promise<T.Answer> {
    // Counts the arguments: an undefined message must not turn the room into the message.
    if (args.length < 2 || typeof args[1] === "function") args.unshift(this.options.defaultRoom);
    const [room, message, ...rest] = args;
    return this._verb({ event: "say", room, message }, rest);
  }

  /** Returns the server's view of the connection. */
  detailsView(
    ...rest: T.Rest<T.ErrorFirst<T.Unwrapped<T.Details>>>
  ): Promise<T.Unwrapped<T.Details>> {
    return this._verb({ event: "detailsView" }, rest);
  }

  /** Requests the details and stores them in `details`, `id`, `fingerprint` and `rooms`. */
  configure(...rest: T.Rest<T.ErrorFirst<T.Unwrapped<T.Details>>>): Promise<T.Unwrapped<T.Details>> {
    return this._verb({ event: "detailsView" }, rest, (answer) => this._store(answer));
  }

  /**
   * Returns the members of a room. The callback is `(answer, error)`.
   *
   * Large rooms are paginated: pass `next` of a response as the option `after` for the next page.
   */
  roomView(
    room: string,
    ...rest: T.Rest<T.AnswerFirst<T.Unwrapped<T.RoomState>>, RoomViewOptions>
  ): Promise<T.Unwrapped<T.RoomState>> {
    const { limit, after } = callbackAndOptions<RoomViewOptions>([...rest])[1];
    const page = limit == null && after == null ? {} : { params: { limit, after } };
    return this._verb({ event: "roomView", room, ...page }, rest, undefined, true);
  }

  /**
   * Joins a room, also after every reconnect.
   *
   * Succeeds if the client has already rejoined the room by itself. Rejects with any refusal
   * without a retry; {@link subscribe} retries.
   */
  roomAdd(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer> {
    return this._verb({ event: "roomAdd", room }, rest);
  }

  /** Leaves a room. The client does not rejoin it, even if the server refuses the request. */
  roomLeave(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer> {
    return this._verb({ event: "roomLeave", room }, rest);
  }

  /**
   * Stays in a room until the returned function is called.
   *
   * Joins the room on every connection, and retries after temporary refusals, such as a full room.
   * `changed` is called immediately and on every change. The end of the last subscription leaves
   * the room, unless it was also joined with {@link roomAdd}.
   */
  subscribe(room: string, changed: (membership: T.Membership) => void): () => void {
    const listener = (membership: T.Membership) => {
      if (membership.room === room) changed(membership);
    };
    const release = this._memberships._hold(room);
    this._add("membership", listener);
    changed(this._memberships._state(room));
    return () => {
      this.off("membership", listener);
      release();
    };
  }

  /** Joins a room. Alias of {@link roomAdd}. */
  join(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer> {
    return this.roomAdd(room, ...rest);
  }

  /** Leaves a room. Alias of {@link roomLeave}. */
  leave(room: string, ...rest: T.Rest<T.ErrorFirst<T.Answer>>): Promise<T.Answer> {
    return this.roomLeave(room, ...rest);
  }

  /**
   * Requests a file of the server's public folder. The callback is `(answer, error)`.
   *
   * The option `as` converts the content to `"bytes"` or a `"blob"`.
   */
  file(path: string, options: FileOptions<"bytes">): Promise<T.FileAnswer<Uint8Array>>;
  file(path: string, options: FileOptions<"blob">): Promise<T.FileAnswer<Blob>>;
  file(path: string, ...rest: T.Rest<T.AnswerFirst<T.FileAnswer>>): Promise<T.FileAnswer>;
  file(path: string, ...rest: unknown[]): Promise<any> {
    const [callback, limits] = callbackAndOptions<FileOptions>(rest);
    const request = async () => {
      const { as } = limits;
      if (as && !/^(bytes|blob)$/.test(String(as))) throw invalid("The option as is bytes or blob");
      return decodeFile(await this._requests._request({ event: "file", file: path }, limits), as);
    };
    return withCallback(request(), callback, true);
  }

  /** Sends a raw protocol message. Resolves with the response. The callback is `(answer, error)`. */
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

  /** Returns a scope that sends events to rooms and listens to events of rooms. */
  to(rooms: string | string[]): Scope {
    return new Scope(this as unknown as ScopeHost, rooms);
  }

  /** Alias of {@link to}, which reads better for listeners. */
  from(rooms: string | string[]): Scope {
    return this.to(rooms);
  }

  /** Alias of {@link to}. */
  for(rooms: string | string[]): Scope {
    return this.to(rooms);
  }

  /** Sets the room that `say` and `emit` use by default. */
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
    const [callback, limits] = callbackAndOptions(rest as unknown[]);
    let room: any;
    let move: RegExpExecArray | null | undefined;
    try {
      room = body.room;
      move = /^room(Add|Join|(Leave))$/.exec(body.event);
    } catch {
      // A message with throwing getters is rejected below, with the reason.
    }
    const follow = (): Settle =>
      move
        ? this._memberships._follow(!move[2], room)
        : (answer, error) => {
            const target = room ?? body.params?.room;
            if (!error) done?.(answer);
            // The server has removed the connection from the room, or the room no longer exists.
            else if (/^01[69]$/.test(error.code)) this._memberships._hint(target, false);
          };
    if (move?.[2] && !this._requests._names(room)) this._memberships._drop(room);
    const answer = this._requests
      ._request(body, limits, false, follow)
      .then(unwrap, (error) => {
        // A refusal by the server is also emitted as an event.
        if (error.response) this._emit("error", error);
        throw error;
      });
    return withCallback(answer, callback, answerFirst);
  }

  /**
   * Sets up a new connection: requests its details and joins the wanted rooms.
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
  _requestDetails(settle: Settle): Promise<unknown> {
    // Servers that support the parameters push changes of this connection's memberships, and send
    // the delay before a reconnect when they shut down.
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
    if (data.rooms) this._memberships._synchronize(data.rooms);
  }

  /** @internal */
  _ready(): void {
    this._requests._flush();
    const { details, rooms } = this;
    // Includes the rooms that were rejoined after the details were requested.
    if (details) details.rooms = details.data.rooms = rooms;
    this._settleConnecting(0, details);
    if (this._known) this._emit("reconnect", details);
    this._known = true;
    // A listener may have closed the connection.
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
  _stateChanged(next: T.State, previous: T.State): void {
    if (next !== previous) this._emit("state", next, previous);
    this._memberships._flush();
  }

  /** Settles the promises of {@link connect}: 0 resolves, 1 rejects. */
  private _settleConnecting(index: 0 | 1, outcome: any): void {
    for (const settle of this._connecting.splice(0)) settle[index](outcome);
  }

  /** @internal */
  _failed(error: StellarError): void {
    this._settleConnecting(1, error);
    this._emit("error", error);
  }

  /** @internal */
  _ended(error: StellarError): void {
    this._settleConnecting(1, error);
    this._requests._ended(error);
  }

  /** @internal */
  _message(message: any): void {
    this._emit("message", message);
    const { context, message: content, room, from, welcome } = message ?? {};
    if (context === "response") this._requests._answer(message);
    else if (context === "user") {
      const { event, data } = content ?? {};
      const destroyed = event === "destroy";
      // A member can send any content, so the sender of server events is checked.
      if (destroyed && from === 0 && data?.code === "018") {
        this._memberships._destroyed(room, serverError(data));
      } else this._memberships._hint(room, true);
      this._emit("say", message);
      // Later releases emit plain messages as the event `message`.
      if (typeof event !== "string") return this._emit(scoped(room, "message"), content, message);
      if (destroyed && from !== 0) return;
      if (!reserved.test(event)) this._emit(event, data, message);
      this._emit(scoped(room, event), data, message);
    } else if (context === "membership") this._memberships._hint();
    else if (context === "goodbye") this._connection._reconnectWithin(message.reconnectWithin);
    else if (context === "api" && welcome != null) {
      this.welcomeMessage = welcome;
      this._emit("welcome", message);
    } else if (context === "alert") this._emit(context, message);
    else if (context != null) this._emit("api", message);
  }
}

/** Options of {@link Client.file}. */
export interface FileOptions<As extends "bytes" | "blob" = "bytes" | "blob"> extends RequestOptions {
  /** Converts the content. Default: the content stays text or base64. */
  as?: As;
}

/** Options of {@link Client.roomView}. */
export interface RoomViewOptions extends RequestOptions {
  /** Maximum number of members per page. The server has its own maximum. */
  limit?: number;
  /** Returns the members after this id; `next` of the previous page. */
  after?: string;
}

function unwrap(answer: T.Answer): any {
  const { data } = answer;
  return typeof data === "object" ? { ...data, ...answer } : answer;
}
