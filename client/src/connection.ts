import { backoff, type ReconnectOptions } from "./backoff";
import type { Codec, Payload } from "./codec/codec";
import { after } from "./deadline";
import { asError, StellarError } from "./errors";
import { isOffline, watchNetwork } from "./network";
import { connectionUrl, type Query, type Resolved } from "./options";
import type { Connect, Transport, TransportEvents, WebSocketClass } from "./transports/transport";
import type { State } from "./types";

/** The callbacks of a {@link Connection}. */
export interface ConnectionHost {
  /** The transport is open. The connection counts as connected once the promise resolves. */
  _setUp(): Promise<unknown>;
  /** The connection is set up. */
  _ready(): void;
  /** An application message was received. */
  _message(message: any): void;
  /** The transport is closed; pending responses are lost. */
  _lost(error: StellarError): void;
  /** An attempt to connect failed. */
  _failed(error: StellarError): void;
  /** The connection is closed and will not reconnect. */
  _ended(error: StellarError): void;
  /** The state may have changed. */
  _stateChanged(next: State, previous: State): void;
  /** Emits an event to the application. */
  _emit(name: string, ...args: unknown[]): void;
}

/** A connection that reconnects with new transports. */
export interface Connection {
  /** Returns the state. */
  _state(): State;
  /** Returns the transport that is open or being opened. */
  _transport(): Transport | null;
  /** Connects. Closes an existing transport first. */
  _open(): void;
  /** Closes permanently. */
  _close(): void;
  /** Sets the maximum random delay, in ms, of the first attempt after the next loss. */
  _reconnectWithin(ms: unknown): void;
  /** Sends one message, passed in encoded and decoded form. */
  _send(payload: Payload, message: unknown): void;
}

/**
 * Creates the state machine of a connection: dialling, heartbeat and reconnecting.
 *
 * It implements the Primus layer and has no knowledge of requests or rooms. Every transport belongs
 * to a round. The end of a transport starts a new round, and events of transports of earlier rounds
 * are ignored.
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
  /** Number of failed attempts since the last connection or `_open`. */
  let attempt = 0;
  /** Number of attempts that failed while online, which `retries` limits. */
  let spent = 0;
  /** Maximum delay of the first attempt, as sent by the server, in ms; 0 if not sent. */
  let spread = 0;
  /** The timeout of an attempt, or the delay before the next one. */
  let timer: any;
  let heartbeat: any;
  let unwatch: (() => void) | undefined;

  const become = (next: State) => {
    const previous = state;
    state = next;
    host._stateChanged(next, previous);
  };

  const send = (payload: Payload, message: unknown) => transport!.send(payload, message);

  const dial = () => {
    const own = ++round;
    const later = attempt && (reconnect as ReconnectOptions)["reconnect timeout"];
    const limit = later || options.timeout;
    /** Wraps a listener so that it runs only in the current round. */
    const current =
      <Args extends any[]>(listener: (...args: Args) => void) =>
      (...args: Args) =>
        own === round && listener(...args);
    let opened = false;
    timer = after(limit, () => fail(new StellarError("timeout", `No connection in ${limit} ms`)));
    const events: TransportEvents = {
      open: current(() => {
        opened = true;
        beat();
        host._setUp().then(current(ready), current(fail));
      }),
      data: current((payload) => {
        let message;
        try {
          message = codec.decode(payload);
        } catch (error) {
          return host._emit("error", asError(error, "decode"));
        }
        receive(message);
      }),
      message: current(receive),
      close: current((code, reason, refusal, cause) => {
        const error = refusal && new StellarError("refused", refusal.message);
        if (error) end("refused", Object.assign(error, refusal), true);
        else {
          const text = `No connection: ${code} ${reason}`;
          fail(new StellarError(opened ? "closed" : "offline", text, false, cause));
        }
      }),
    };
    // Another attempt would fail too: the engine is missing, or it rejects the address.
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
    const resolveQuery = async () => (typeof query === "function" ? query() : query);
    resolveQuery().then(
      async (query) => {
        const found: any = await Promise.resolve(WebSocket).catch(current(unusable));
        current(go)(query, found);
      },
      // The next attempt calls the function again.
      current((error) => fail(asError(error, "invalid"))),
    );
  };

  const ready = () => {
    clearTimeout(timer);
    attempt = spent = 0;
    become("connected");
    host._ready();
  };

  const receive = (message: any) => {
    const control = typeof message === "string" && /^primus::(ping|id)::(.+)/.exec(message);
    if (control) {
      beat();
      if (control[1] === "ping") {
        const pong = "primus::pong::" + control[2];
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

  /** Closes the transport and ignores its further events. */
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
    // Attempts while offline do not count as retries: they say nothing about the server.
    if (!reconnect || (!isOffline() && spent++ >= (reconnect.retries ?? Infinity))) {
      return end("closed", error, !lost, !!reconnect);
    }
    leave(error);
    const delays = ++attempt < 2 && spread ? { ...reconnect, min: spread, max: spread } : reconnect;
    const delay = backoff(attempt, delays);
    spread = 0;
    const next = { attempt, delay };
    const own = round;
    timer = setTimeout(dial, delay);
    become(isOffline() ? "offline" : "reconnecting");
    if (lost) host._emit("disconnected", error);
    else host._failed(error);
    // A listener may have started a new round with `connect` or `disconnect`.
    if (own === round) host._emit("reconnecting", next);
  };

  /** Dials immediately, and abandons a pending attempt. */
  const begin = (next: State) => {
    leave(new StellarError("closed", "Connecting anew"));
    become(next);
    dial();
  };

  /** Dials now if a reconnect is scheduled. `redial` also restarts a pending attempt. */
  const again = (redial: boolean) => {
    if (attempt && (redial || !transport)) begin("reconnecting");
  };

  const ignore = () => {
    unwatch?.();
    unwatch = undefined;
  };

  /** Closes the connection. A `resumable` one reconnects when the browser is online again. */
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
          // This may be another network, so the limits start over.
          spent = 0;
          attempt &&= 1;
          again(true);
        },
        offline: () => state === "closed" || fail(new StellarError("offline", "No network")),
        // The page is visible again. The event bubbles from the document to the window.
        visibilitychange: () => document.hidden || state === "closed" || again(false),
      });
      begin("connecting");
    },
    _close() {
      ignore();
      if (state !== "closed") end("closed", new StellarError("closed", "Closed"));
    },
    _reconnectWithin(ms) {
      spread = Number(ms) || 0;
    },
    _send: send,
  };
}
