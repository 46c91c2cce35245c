import { backoff, type ReconnectOptions } from "./backoff";
import type { Codec, Payload } from "./codec/codec";
import { after } from "./deadline";
import { asError, StellarError } from "./errors";
import { isOffline, watchNetwork } from "./network";
import { connectionUrl, type Query, type Resolved } from "./options";
import type { Connect, Transport, TransportEvents, WebSocketClass } from "./transports/transport";
import type { State } from "./types";

/** What the state machine tells its owner. */
export interface ConnectionHost {
  /** The transport is open: sets the connection up; it counts as connected once this resolves. */
  _setUp(): Promise<unknown>;
  /** The connection is set up. */
  _ready(): void;
  /** An application message came in. */
  _message(message: any): void;
  /** The transport is gone: answers it owed will not come. */
  _lost(error: StellarError): void;
  /** An attempt to connect failed. */
  _failed(error: StellarError): void;
  /** Nothing more will be tried. */
  _ended(error: StellarError): void;
  /** The state may have changed. */
  _became(next: State, previous: State): void;
  /** To be told to listeners as it is. */
  _emit(name: string, ...args: unknown[]): void;
}

/** A connection that outlives its transports. */
export interface Connection {
  /** Where it is. */
  _state(): State;
  /** The transport in use, or being opened. */
  _transport(): Transport | null;
  /** Begins anew; a transport that exists is closed first. */
  _open(): void;
  /** Ends for good. */
  _close(): void;
  /** The first attempt after the next loss comes at a random moment within so many ms. */
  _spread(within: unknown): void;
  /** Sends one message, given as it is encoded and as it is. */
  _send(payload: Payload, message: unknown): void;
}

/**
 * The state machine of a connection: dials, watches the heartbeat, tries again. It knows the
 * Primus layer and nothing of requests or rooms.
 *
 * Every transport belongs to a round. Whatever ends a transport begins a new round, and
 * what a transport of an earlier round still tells is not heard.
 */
export function connection(
  host: ConnectionHost,
  options: Resolved,
  codec: Codec,
  connect: Connect,
): Connection {
  const { reconnect } = options;
  let state: State = "idle";
  let transport: Transport | null = null;
  let round = 0;
  /** Which attempt since the last connection failed; 0 when none did, or it was begun anew. */
  let attempt = 0;
  /** How many attempts failed with a network: those that `retries` bounds. */
  let spent = 0;
  /** What the server said of the first attempt, in ms; 0 when it said nothing. */
  let spread = 0;
  /** The deadline of an attempt, or the wait for the next one. */
  let timer: any;
  let heartbeat: any;
  let unwatch: (() => void) | undefined;

  const become = (next: State) => {
    const previous = state;
    state = next;
    host._became(next, previous);
  };

  const send = (payload: Payload, message: unknown) => transport!.send(payload, message);

  const dial = () => {
    const own = ++round;
    const later = attempt && (reconnect as ReconnectOptions)["reconnect timeout"];
    const most = later || options.timeout;
    /** What is heard only as long as this is the round. */
    const heard =
      <Args extends any[]>(listener: (...args: Args) => void) =>
      (...args: Args) =>
        own === round && listener(...args);
    let opened = false;
    timer = after(most, () => fail(new StellarError("timeout", `No connection in ${most} ms`)));
    const events: TransportEvents = {
      open: heard(() => {
        opened = true;
        beat();
        host._setUp().then(heard(ready), heard(fail));
      }),
      data: heard((payload) => {
        let message;
        try {
          message = codec.decode(payload);
        } catch (error) {
          return host._emit("error", asError(error, "decode"));
        }
        receive(message);
      }),
      message: heard(receive),
      close: heard((code, reason, refusal, cause) => {
        const error = refusal && new StellarError("refused", refusal.message);
        if (error) end("refused", Object.assign(error, refusal), true);
        else {
          const text = `No connection: ${code} ${reason}`;
          fail(new StellarError(opened ? "closed" : "offline", text, false, cause));
        }
      }),
    };
    // Nothing that another attempt would change: no engine here, or an address it cannot use.
    const unusable = (error: unknown) => end("closed", asError(error, "unsupported"), true);
    const go = (query: Query, WebSocket: WebSocketClass | undefined) => {
      try {
        const url = connectionUrl(options, query);
        transport = connect({ ...options, WebSocket, url, codec }, events);
      } catch (error) {
        unusable(error);
      }
    };
    const { query, WebSocket } = options;
    if (typeof query !== "function" && !(WebSocket instanceof Promise)) return go(query, WebSocket);
    const asked = async () => (typeof query === "function" ? query() : query);
    asked().then(
      async (query) => {
        const found: any = await Promise.resolve(WebSocket).catch(heard(unusable));
        heard(go)(query, found);
      },
      // It may be there for the next attempt.
      heard((error) => fail(asError(error, "invalid"))),
    );
  };

  const ready = () => {
    clearTimeout(timer);
    attempt = spent = 0;
    become("connected");
    host._ready();
  };

  const receive = (message: any) => {
    const ours = typeof message === "string" && /^primus::(ping|id)::(.+)/.exec(message);
    if (ours) {
      beat();
      if (ours[1] === "ping") {
        const pong = "primus::pong::" + ours[2];
        send(codec.encode(pong), pong);
      }
    } else if (message === "primus::server::close") {
      end("closed", new StellarError("closed", "Closed by server"));
    } else host._message(message);
  };

  const beat = () => {
    clearTimeout(heartbeat);
    if (options.pingTimeout > 0 && !transport!.watched) {
      heartbeat = after(options.pingTimeout, () => fail(new StellarError("timeout", "No ping")));
    }
  };

  /** Lets go of the transport: after this, nothing it tells is heard. */
  const leave = (error: StellarError) => {
    const old = transport;
    round++;
    clearTimeout(timer);
    clearTimeout(heartbeat);
    transport = null;
    old?.close();
    host._lost(error);
  };

  const fail = (error: StellarError) => {
    const lost = state === "connected";
    // Without a network an attempt says nothing of the server, and costs nothing.
    if (!reconnect || (!isOffline() && spent++ >= (reconnect.retries ?? Infinity))) {
      return end("closed", error, !lost, !!reconnect);
    }
    leave(error);
    const told = ++attempt < 2 && spread ? { ...reconnect, min: spread, max: spread } : reconnect;
    const delay = backoff(attempt, told);
    spread = 0;
    const next = { attempt, delay };
    const own = round;
    timer = setTimeout(dial, delay);
    become(isOffline() ? "offline" : "reconnecting");
    if (lost) host._emit("disconnected", error);
    else host._failed(error);
    // A listener may have called `connect` or `disconnect`.
    if (own === round) host._emit("reconnecting", next);
  };

  /** Dials at once, whatever is under way. */
  const begin = (next: State) => {
    leave(new StellarError("closed", "Connecting anew"));
    become(next);
    dial();
  };

  /** Dials now instead of later; `redial` also gives up an attempt that is under way. */
  const again = (redial: boolean) => {
    if (attempt && (redial || !transport)) begin("reconnecting");
  };

  const ignore = () => {
    unwatch?.();
    unwatch = undefined;
  };

  /** Ends it: for good, or, when it is `resumable`, until there is a network again. */
  const end = (last: State, error: StellarError, failed?: boolean, resumable?: boolean) => {
    leave(error);
    if (resumable) attempt ||= 1;
    else ignore();
    become(last);
    if (failed) host._failed(error);
    host._ended(error);
    host._emit("disconnected", error);
  };

  return {
    _state: () => state,
    _transport: () => transport,
    _open() {
      attempt = spent = 0;
      unwatch ??= watchNetwork({
        online() {
          // Another network, perhaps: everything may be tried anew.
          spent = 0;
          attempt &&= 1;
          again(true);
        },
        offline: () => state === "closed" || fail(new StellarError("offline", "No network")),
        // The page is looked at again. It bubbles from the document to here.
        visibilitychange: () => document.hidden || state === "closed" || again(false),
      });
      begin("connecting");
    },
    _close() {
      ignore();
      if (state !== "closed") end("closed", new StellarError("closed", "Closed"));
    },
    _spread(within) {
      spread = Number(within) || 0;
    },
    _send: send,
  };
}
