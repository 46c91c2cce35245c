import type { Payload } from "./codec/codec";
import { after, watch, type RequestOptions } from "./deadline";
import { asError, serverError, StellarError } from "./errors";
import type { Settle } from "./rooms";
import type { Answer } from "./types";
import { valid } from "./values";

/** The parts of a client that {@link Requests} uses. */
export interface RequestsHost {
  /** The state of the connection. Requests are sent while it is `connected`. */
  readonly state: string;
  /** Encodes one message. Throws if it is invalid. */
  _pack(body: unknown): [message: any, payload: Payload];
  /** Sends one message. */
  _send(payload: Payload, message: unknown): void;
  /** Emits an event to the application. */
  _emit(name: string, ...args: unknown[]): void;
}

/** The limits of requests. */
export interface Limits {
  simultaneousActions: number;
  actionTimeout: number;
  queueSize: number;
  queueAge: number;
  requestTimeout: number;
}

// Extra time for the server's timeout response to arrive, in ms.
const grace = 5000;

interface Request {
  /** A copy of the message, taken when the request was made. */
  _body: any;
  _payload: Payload;
  _noReply: boolean | undefined;
  _settle: (error: unknown, answer?: Answer) => void;
  _sent: boolean;
  /** The promise was rejected after the request was sent. */
  _abandoned?: boolean;
  /** Called when the request is sent. */
  _follow: (() => Settle) | undefined;
  _answered?: Settle | undefined;
  /** The timeout in the queue, and after that of an action's response. */
  _timer: any;
}

/** The queued and pending requests of a client. */
export interface Requests {
  /** Returns the number of queued requests. */
  _queued(): number;
  /** Returns the number of requests that are sent and not answered. */
  _pending(): number;
  /**
   * Makes a request.
   *
   * `now` bypasses the queue while the connection is being set up. `follow` is called when the
   * request is sent; the function that it returns receives the response, even a late one.
   */
  _request(
    body: Record<string, unknown>,
    limits?: RequestOptions,
    now?: boolean,
    follow?: () => Settle,
  ): Promise<Answer>;
  /** Returns `true` if a queued request names this room. */
  _names(room: unknown): boolean;
  /** Sends the queued requests. Actions beyond the limit stay queued. */
  _flush(): void;
  /** Settles the pending request of a response. */
  _answer(answer: Answer): void;
  /** Rejects the pending requests, because the transport is closed. */
  _lost(error: StellarError): void;
  /** Rejects the queued requests, because the client will not reconnect. */
  _ended(error: StellarError): void;
}

/**
 * Creates the requests of a client.
 *
 * The server numbers the messages of a connection from 1 and responds with that number. The client
 * counts its messages and restarts with every transport. Every message is sent here, which keeps
 * the two counts equal.
 */
export function requests(host: RequestsHost, limits: Limits): Requests {
  const { simultaneousActions, actionTimeout, queueSize, queueAge, requestTimeout } = limits;
  let count = 0;
  let running = 0;
  let queue: Request[] = [];
  const pending = new Map<number, Request>();
  const isAction = (request: Request) => request._body.event === "action";

  const flush = () => {
    if (host.state !== "connected") return;
    for (let place = 0; place < queue.length; ) {
      const request = queue[place]!;
      if (isAction(request) && running >= simultaneousActions) place++;
      else {
        queue.splice(place, 1);
        transmit(request);
      }
    }
  };

  const transmit = (request: Request) => {
    clearTimeout(request._timer);
    try {
      host._send(request._payload, request._body);
    } catch (error) {
      // A socket of another library rejected the message.
      return request._settle(asError(error, "closed"));
    }
    const number = ++count;
    request._sent = true;
    request._answered = request._follow?.();
    host._emit("send", request._body, number);
    if (request._noReply) {
      request._settle(null, {});
      if (!request._answered) return;
    }
    pending.set(number, request);
    if (!isAction(request)) return;
    running++;
    // The server responds when an action times out. An action without any response must not count
    // as running forever.
    if (actionTimeout) {
      request._timer = after(actionTimeout + grace, () => {
        request._settle(new StellarError("timeout", `No answer in ${actionTimeout} ms`, true));
        done(number);
        flush();
      });
    }
  };

  /** Removes the pending request with this number. */
  const done = (number: number): Request | undefined => {
    const request = pending.get(number);
    if (pending.delete(number)) {
      clearTimeout(request!._timer);
      if (isAction(request!)) running--;
    }
    return request;
  };

  return {
    _queued: () => queue.length,
    _pending: () => pending.size,
    _request: (body, limits, now, follow) =>
      new Promise((resolve, reject) => {
        const { volatile, noReply, ...options } = valid(
          (): RequestOptions => ({ timeout: requestTimeout, ...limits }),
        );
        const [_body, _payload] = host._pack(body);
        const { state } = host;
        if (/^(clos|refus)ed$/.test(state)) throw new StellarError(state, "Not connected");
        let release: (() => void) | void;
        const request: Request = {
          _body,
          _payload,
          _noReply: noReply,
          _sent: false,
          _follow: follow,
          _timer: 0,
          _settle(error, answer) {
            release?.();
            // An abandoned action still counts as running until the server responds.
            if (!request._sent) clearTimeout(request._timer);
            if (error) reject(error);
            else resolve(answer!);
          },
        };
        const give = (error: StellarError) => {
          error.mayHaveRun = request._abandoned = request._sent;
          queue = queue.filter((other) => other !== request);
          request._settle(error);
        };
        const drop = (why: string) => give(new StellarError("dropped", why));
        release = watch(options, give);
        if (!release) return;
        if (now) return transmit(request);
        queue.push(request);
        flush();
        if (!queue.includes(request)) return;
        if (volatile) return drop("Not sent at once");
        if (queueAge) {
          request._timer = after(queueAge, () => drop("Waited too long"));
          // A queued request does not keep a Node process alive.
          request._timer?.unref?.();
        }
        if (queue.length > queueSize) {
          queue.shift()!._settle(new StellarError("dropped", "Queue is full"));
        }
      }),
    _names: (room) =>
      queue.some(({ _body }) => (_body.room ?? (_body.params as any)?.room) === room),
    _flush: flush,
    _answer(answer) {
      const request = done(answer.messageCount!);
      if (!request) return;
      // `status` is an outcome for verbs only. In actions it is a field of the application.
      let { error, status } = answer;
      if (!isAction(request) && status !== "OK") error ??= status;
      let failure = error != null ? serverError(error, answer) : undefined;
      if (request._answered?.(answer, failure, request._abandoned)) {
        failure = undefined;
        answer = { ...answer, status: "OK", data: true, error: null };
      }
      request._settle(failure, answer);
      flush();
    },
    _lost({ code, message, cause }) {
      count = 0;
      for (const number of pending.keys()) {
        done(number)!._settle(new StellarError(code, message, true, cause));
      }
    },
    _ended({ code, message, cause }) {
      for (const request of queue.splice(0)) {
        request._settle(new StellarError(code, message, false, cause));
      }
    },
  };
}
