import type { RequestOptions } from "./deadline";
import type { Listener } from "./emitter";
import type { StellarError } from "./errors";

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
export type State =
  | "idle"
  | "connecting"
  | "connected"
  | "reconnecting"
  | "offline"
  | "closed"
  | "refused";

/** What every answer carries. */
export interface Answer {
  /** `"response"`; absent when the answer came over HTTP. */
  context?: string;
  /** The number of the request it answers; absent when it came over HTTP. */
  messageCount?: number;
  [field: string]: any;
}

/** The server's view of this connection. */
export interface Details {
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
export interface RoomState {
  /** The room's name. */
  room: string;
  /** The members by connection id. */
  members: Record<string, { id: string; joinedAt: number; [extra: string]: unknown }>;
  /** How many there are in all. */
  membersCount: number;
  /** With this as the option `after`, `roomView` gives the next page; absent on the last one. */
  next?: string;
}

/** An answer whose `data` can also be read directly: `answer.id` is `answer.data.id`. */
export type Unwrapped<T> = T & Answer & { data: T };

/** A file. */
export interface FileAnswer<Content = string> extends Answer {
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
export interface ChatMessage {
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
export interface Membership {
  /** The room. */
  room: string;
  /** The server counts this connection as a member. Never without a connection. */
  joined: boolean;
  /** The last refusal, or why the server took it out; null when it is in, or nothing was refused. */
  error: StellarError | null;
}

/** The events of the client and what their listeners get. */
export interface ClientEvents {
  /** A connection is configured: the first one, and each that comes after it. */
  connected: [details: Unwrapped<Details> | null];
  /** The connection ended, for now or for good. */
  disconnected: [reason: StellarError];
  /** Something failed that no request stands for, or a verb was refused. */
  error: [error: StellarError | Error];
  /** The connection is back: rooms joined again, queue sent. `connected` follows. */
  reconnect: [details: Unwrapped<Details> | null];
  /** Another attempt will be made after a delay in ms. */
  reconnecting: [next: { attempt: number; delay: number }];
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
export type EventsOf<Events> = ClientEvents & {
  [Name in Exclude<keyof Events & string, keyof ClientEvents>]: [data: Events[Name], message: ChatMessage];
};

/** Events of rooms of any name, with any data: what to give where they are not declared. */
export interface AnyEvents {
  [name: string]: any;
}

/** The callback of verbs that the guide gives as `callback(error, answer)`. */
export type ErrorFirst<T> = (error: StellarError | null, answer?: T) => void;

/** The callback of verbs that the guide gives as `callback(answer, error)`. */
export type AnswerFirst<T> = (answer: T, error: StellarError | null) => void;

/** Last arguments of a method: a callback, options, or both. */
export type Rest<Callback, Options = RequestOptions> =
  | []
  | [callback: Callback | undefined, options?: Options]
  | [options: Options];

/** One action's types, as a server prints them. */
export interface ActionTypes {
  /** What it takes. */
  params: any;
  /** What it answers. */
  result: any;
}

/** The actions of a client that was not told of any: all names, with anything. */
export interface AnyActions {
  [name: string]: { params: Record<string, any> | null | undefined; result: Answer };
}

/** What an action answers, and with it what every answer carries. */
export type ActionAnswer<Action> = Action extends { result: infer Result }
  ? Result & { context?: string; messageCount?: number }
  : Answer;

/**
 * Last arguments of an action: its parameters, which may be left out when none is required, and
 * then as {@link Rest}.
 */
export type ActionRest<Action> = Action extends { params: infer Params }
  ? Parameterless<Params> extends true
    ? Rest<AnswerFirst<ActionAnswer<Action>>> | WithParams<Action, Params>
    : WithParams<Action, Params>
  : never;

/** Arguments of the `call` of a hook: the action's parameters, left out where none is required. */
export type CallRest<Action> = Action extends { params: infer Params }
  ? Parameterless<Params> extends true
    ? [params?: Params | null, options?: RequestOptions]
    : [params: Params, options?: RequestOptions]
  : never;

/** A client as hooks see its actions: what they take and give is in its type alone. */
export interface WithActions<Actions> {
  /** Never set: carries the types of the actions. */
  readonly "~actions"?: Actions;
}

/** A client as hooks see its events: what they are is in its type alone. */
export interface WithEvents<Events> {
  /** Never set: carries the types of the events. */
  readonly "~events"?: Events;
}

/** What hooks use of a client. */
export interface HookClient {
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
type Parameterless<Params> = {} extends Params
  ? true
  : null extends Params
    ? true
    : undefined extends Params
      ? true
      : false;

type WithParams<Action, Params> = [
  params: Params,
  callback?: AnswerFirst<ActionAnswer<Action>> | RequestOptions | undefined,
  options?: RequestOptions,
];
