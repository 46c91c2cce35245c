import type { RequestOptions } from "./deadline";
import type { Listener } from "./emitter";
import type { StellarError } from "./errors";

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
export type State =
  | "idle"
  | "connecting"
  | "connected"
  | "reconnecting"
  | "offline"
  | "closed"
  | "refused";

/** The fields that every response may have. */
export interface Answer {
  /** `"response"`; absent over HTTP. */
  context?: string;
  /** The number of the request; absent over HTTP. */
  messageCount?: number;
  [field: string]: any;
}

/** The server's view of a connection. */
export interface Details {
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
export interface RoomState {
  /** The name of the room. */
  room: string;
  /** The members by connection id. */
  members: Record<string, { id: string; joinedAt: number; [extra: string]: unknown }>;
  /** The total number of members. */
  membersCount: number;
  /** The option `after` of `roomView` for the next page; absent on the last page. */
  next?: string;
}

/** A response whose `data` can also be read directly: `answer.id` is `answer.data.id`. */
export type Unwrapped<T> = T & Answer & { data: T };

/** A file. */
export interface FileAnswer<Content = string> extends Answer {
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
export interface ChatMessage {
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
export interface Membership {
  /** The room. */
  room: string;
  /** Whether the connection is a member. Always `false` while disconnected. */
  joined: boolean;
  /** The last refusal, or the reason of a removal by the server; otherwise `null`. */
  error: StellarError | null;
}

/** The events of the client, with the arguments of their listeners. */
export interface ClientEvents {
  /** A connection is configured, initially and after every reconnect. */
  connected: [details: Unwrapped<Details> | null];
  /** The connection closed, temporarily or permanently. */
  disconnected: [reason: StellarError];
  /** A failure outside of requests, or a refused verb. */
  error: [error: StellarError | Error];
  /** The client reconnected, rejoined its rooms and sent its queue. `connected` follows. */
  reconnect: [details: Unwrapped<Details> | null];
  /** The next attempt is scheduled after a delay in ms. */
  reconnecting: [next: { attempt: number; delay: number }];
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
export type EventsOf<Events> = ClientEvents & {
  [Name in Exclude<keyof Events & string, keyof ClientEvents>]: [data: Events[Name], message: ChatMessage];
};

/** Undeclared room events: any name with any data. */
export interface AnyEvents {
  [name: string]: any;
}

/** A callback with the error first: `callback(error, answer)`. */
export type ErrorFirst<T> = (error: StellarError | null, answer?: T) => void;

/** A callback with the response first: `callback(answer, error)`. */
export type AnswerFirst<T> = (answer: T, error: StellarError | null) => void;

/** The last arguments of a method: a callback, options, or both. */
export type Rest<Callback, Options = RequestOptions> =
  | []
  | [callback: Callback | undefined, options?: Options]
  | [options: Options];

/** The types of one action, as a server prints them. */
export interface ActionTypes {
  /** The parameters. */
  params: any;
  /** The result. */
  result: any;
}

/** Undeclared actions: any name with any parameters. */
export interface AnyActions {
  [name: string]: { params: Record<string, any> | null | undefined; result: Answer };
}

/** The response of an action: its result and the common fields. */
export type ActionAnswer<Action> = Action extends { result: infer Result }
  ? Result & { context?: string; messageCount?: number }
  : Answer;

/**
 * The last arguments of an action: its parameters, followed by {@link Rest}.
 *
 * The parameters are optional if none is required.
 */
export type ActionRest<Action> = Action extends { params: infer Params }
  ? Parameterless<Params> extends true
    ? Rest<AnswerFirst<ActionAnswer<Action>>> | WithParams<Action, Params>
    : WithParams<Action, Params>
  : never;

/** The arguments of a hook's `call`. The parameters are optional if none is required. */
export type CallRest<Action> = Action extends { params: infer Params }
  ? Parameterless<Params> extends true
    ? [params?: Params | null, options?: RequestOptions]
    : [params: Params, options?: RequestOptions]
  : never;

/** Carries the types of a client's actions, for hooks. */
export interface WithActions<Actions> {
  /** Never set: carries the types of the actions. */
  readonly "~actions"?: Actions;
}

/** Carries the types of a client's events, for hooks. */
export interface WithEvents<Events> {
  /** Never set: carries the types of the events. */
  readonly "~events"?: Events;
}

/** The parts of a client that hooks use. */
export interface HookClient {
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
