import { watch, type RequestOptions } from "./deadline";
import { serverError, StellarError } from "./errors";
import { BoundedQueue } from "./queue";
import type { Answer } from "./types";

/** What requests need from what carries them. */
export interface RequestsHost {
  /** True when queued requests may go out. */
  _isOpen(): boolean;
  /** Sends one message; throws if it cannot be encoded. */
  _send(message: unknown): void;
  /** A message went out under this number. */
  _sent(message: unknown, messageCount: number): void;
}

interface Request {
  _body: Record<string, unknown>;
  _settle: (error: unknown, answer?: Answer) => void;
  _sent: boolean;
  _settled: boolean;
}

/**
 * The requests of a client: those that wait to be sent and those that wait for an answer.
 *
 * The server numbers the messages of a connection from 1 and answers with that number, so
 * this counts what it sends and starts again with every transport. Everything sent goes
 * through here; that is what keeps the two counts in step.
 */
export class Requests {
  private _count = 0;
  private _running = 0;
  private _pending = new Map<number, Request>();
  private _queue: BoundedQueue<Request>;

  constructor(
    private _host: RequestsHost,
    private _limits: { simultaneousActions: number; queueSize: number; requestTimeout: number },
  ) {
    this._queue = new BoundedQueue(_limits.queueSize);
  }

  /** How many wait to be sent. */
  get queued(): number {
    return this._queue.length;
  }

  /** How many were sent and not answered yet. */
  get pending(): number {
    return this._pending.size;
  }

  /** Makes a request. `now` sends it past the queue, while the connection is being set up. */
  _request(body: Record<string, unknown>, limits: RequestOptions = {}, now = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let release = () => {};
      const request: Request = {
        _body: body,
        _sent: false,
        _settled: false,
        _settle: (error, answer) => {
          if (request._settled) return;
          request._settled = true;
          release();
          if (error) reject(error);
          else resolve(answer!);
        },
      };
      const give = (error: StellarError) => {
        error.mayHaveRun = request._sent;
        this._queue._remove(request);
        request._settle(error);
      };
      release = watch({ timeout: this._limits.requestTimeout, ...limits }, give);
      if (request._settled) return release();
      if (now) return this._transmit(request);
      this._queue
        .push(request)
        ?._settle(new StellarError("dropped", "The queue is full"));
      this._flush();
    });
  }

  /** Sends what waits, as far as it may go. Actions beyond the limit wait on. */
  _flush(): void {
    if (!this._host._isOpen()) return;
    const { simultaneousActions } = this._limits;
    this._queue._drain((request) => {
      if (request._body.event === "action" && this._running >= simultaneousActions) return false;
      if (!request._settled) this._transmit(request);
      return true;
    });
  }

  private _transmit(request: Request): void {
    const count = this._count + 1;
    try {
      this._host._send(request._body);
    } catch (error) {
      return request._settle(error);
    }
    this._count = count;
    request._sent = true;
    this._pending.set(count, request);
    if (request._body.event === "action") this._running++;
    this._host._sent(request._body, count);
  }

  /** Gives an answer to the request it belongs to, if that is still there. */
  _answer(answer: Answer): void {
    const request = this._pending.get(answer.messageCount!);
    if (!request) return;
    this._pending.delete(answer.messageCount!);
    const action = request._body.event === "action";
    // An action's fields are its own: only a verb's `status` says how it went.
    const { status } = answer;
    const error = answer.error ?? (action || !status || status === "OK" ? null : status);
    request._settle(error == null ? null : serverError(error, answer), answer);
    // A request that was given up holds its place until the server is done with it.
    if (action) {
      this._running--;
      this._flush();
    }
  }

  /** The transport is gone: the answers still due will not come. */
  _lost(error: StellarError): void {
    const pending = this._pending;
    this._pending = new Map();
    this._count = this._running = 0;
    for (const request of pending.values()) {
      request._settle(new StellarError(error.code, error.message, true));
    }
  }

  /** There will be no connection: nothing that waits will be sent. */
  _ended(error: StellarError): void {
    this._queue._drain((request) => {
      request._settle(new StellarError(error.code, error.message));
      return true;
    });
  }
}
