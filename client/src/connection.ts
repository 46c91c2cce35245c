import { backoff } from "./backoff";
import type { Codec } from "./codec/codec";
import { StellarError } from "./errors";
import { probe } from "./http";
import { isOffline, watchNetwork } from "./network";
import { connectionUrl, type Resolved } from "./options";
import type { Connect, Transport } from "./transports/transport";
import type { State } from "./types";

/** What the state machine tells its owner. */
export interface ConnectionHost {
  /** The transport is open: sets the connection up; it counts as connected once this resolves. */
  _configure(): Promise<unknown>;
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
  /** To be told to listeners as it is. */
  _event(name: string, ...args: unknown[]): void;
}

/**
 * The state machine of one connection that outlives its transports: dials, watches the
 * heartbeat, tries again. It knows the Primus layer and nothing of requests or rooms.
 *
 * Every transport belongs to a round. Whatever ends a transport begins a new round, and
 * what a transport of an earlier round still tells is not heard.
 */
export class Connection {
  /** Where it is. */
  state: State = "idle";
  /** The transport in use, or being opened. */
  transport: Transport | null = null;

  private _round = 0;
  private _attempt = 0;
  /** The deadline of an attempt, or the wait for the next one. */
  private _timer: any;
  private _heartbeat: any;
  private _unwatch: (() => void) | undefined;

  constructor(
    private _host: ConnectionHost,
    private _options: Resolved,
    private _codec: Codec,
    private _connect: Connect,
  ) {}

  /** Begins anew; a transport that exists is closed first. */
  open(): void {
    if (this.transport) this._leave(new StellarError("closed", "Connecting anew"));
    this._attempt = 0;
    this._unwatch ??= watchNetwork({
      online: () => this._again(true),
      offline: () => this._fail(new StellarError("offline", "No network")),
      wake: () => this._again(false),
    });
    this._become("connecting");
    this._dial();
  }

  /** Ends for good. */
  close(): void {
    if (this.state === "closed") return;
    this._end("closed", new StellarError("closed", "Disconnected"));
  }

  private _become(state: State): void {
    const previous = this.state;
    this.state = state;
    if (state !== previous) this._host._event("state", state, previous);
  }

  private _dial(): void {
    const round = ++this._round;
    const { timeout, WebSocket } = this._options;
    const url = connectionUrl(this._options);
    const current = () => round === this._round;
    const fail = (error: StellarError) => current() && this._fail(error);
    let opened = false;
    // A retry that was due must not dial a second time.
    clearTimeout(this._timer);
    this._timer = setTimeout(
      () => fail(new StellarError("timeout", `No connection in ${timeout} ms`)),
      timeout,
    );
    const close = (code?: number) => {
      if (!current()) return;
      if (opened) return this._fail(new StellarError("closed", `Connection lost (${code})`));
      // A socket does not say why it failed. Ask by HTTP whether the server refuses us.
      void probe(this._options, url).then((refusal) => {
        if (refusal && current()) this._end("refused", refusal, true);
        fail(new StellarError("offline", "Server not reachable"));
      });
    };
    try {
      this.transport = this._connect(
        { url, WebSocket },
        {
          open: () => {
            if (!current()) return;
            opened = true;
            this._beat();
            this._host._configure().then(() => current() && this._ready(), fail);
          },
          data: (payload) => current() && this._data(payload),
          close,
        },
      );
    } catch (error) {
      // Nothing that another attempt would change: no engine here, or an address it cannot use.
      this._end("closed", new StellarError("error", String(error)), true);
    }
  }

  private _ready(): void {
    clearTimeout(this._timer);
    this._attempt = 0;
    this._become("connected");
    this._host._ready();
  }

  private _data(payload: string | Uint8Array): void {
    let message;
    try {
      message = this._codec.decode(payload);
    } catch (error) {
      return this._host._event("error", new StellarError("decode", String(error)));
    }
    const ping = typeof message === "string" && /^primus::ping::(.+)/.exec(message);
    if (ping) {
      this._beat();
      this.send("primus::pong::" + ping[1]);
    } else if (message === "primus::server::close") {
      this._end("closed", new StellarError("closed", "Closed by the server"));
    } else this._host._message(message);
  }

  /** Encodes and sends one message; throws if it cannot be encoded. */
  send(message: unknown): void {
    this.transport!.send(this._codec.encode(message));
  }

  private _beat(): void {
    const { pingTimeout } = this._options;
    clearTimeout(this._heartbeat);
    if (pingTimeout > 0) {
      this._heartbeat = setTimeout(
        () => this._fail(new StellarError("timeout", "No ping from the server")),
        pingTimeout,
      );
    }
  }

  /** Lets go of the transport: after this, nothing it tells is heard. */
  private _leave(error: StellarError): void {
    const { transport } = this;
    this._round++;
    clearTimeout(this._timer);
    clearTimeout(this._heartbeat);
    this.transport = null;
    transport?.close();
    this._host._lost(error);
  }

  private _fail(error: StellarError): void {
    const { reconnect } = this._options;
    const lost = this.state === "connected";
    if (!reconnect || this._attempt >= (reconnect.retries ?? Infinity)) {
      return this._end("closed", error, !lost);
    }
    this._leave(error);
    const attempt = ++this._attempt;
    const delay = backoff(attempt, reconnect);
    const round = this._round;
    this._timer = setTimeout(() => this._dial(), delay);
    this._become(isOffline() ? "offline" : "reconnecting");
    if (lost) this._host._event("disconnected", error);
    else this._host._failed(error);
    // A listener may have called `connect` or `disconnect`.
    if (round === this._round) this._host._event("reconnecting", { attempt, delay });
  }

  /** Dials now instead of later; `redial` also gives up an attempt that is under way. */
  private _again(redial: boolean): void {
    if (this.state !== "reconnecting" && this.state !== "offline") return;
    if (this.transport && !redial) return;
    this._leave(new StellarError("closed", "Connecting anew"));
    this._become("reconnecting");
    this._dial();
  }

  private _end(state: State, error: StellarError, failed = false): void {
    this._leave(error);
    this._unwatch?.();
    this._unwatch = undefined;
    this._become(state);
    if (failed) this._host._failed(error);
    this._host._ended(error);
    this._host._event("disconnected", error);
  }
}
