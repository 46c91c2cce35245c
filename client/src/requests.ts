import type { Payload } from "./codec/codec";
import { after, watch, type RequestOptions } from "./deadline";
import { asError, serverError, StellarError } from "./errors";
import type { Settle } from "./rooms";
import type { Answer } from "./types";
import { valid } from "./values";

/** What requests need from what carries them. */
export interface RequestsHost {
  /** Requests go out when it is `connected`. */
  readonly state: string;
  /** Encodes one message; throws if it cannot be sent. */
  _pack(body: unknown): [message: any, payload: Payload];
  /** Sends one message. */
  _send(payload: Payload, message: unknown): void;
  /** Tells listeners. */
  _emit(name: string, ...args: unknown[]): void;
}

/** The bounds of requests. */
export interface Limits {
  simultaneousActions: number;
  actionTimeout: number;
  queueSize: number;
  queueAge: number;
  requestTimeout: number;
}

// How long after its deadline the server's word about an action may still be on its way, in ms.
const grace = 5000;

interface Request {
  /** What is sent, as it was when it was asked for. */
  _body: any;
  _payload: Payload;
  _noReply: boolean | undefined;
  _settle: (error: unknown, answer?: Answer) => void;
  _sent: boolean;
  /** Nobody waits for the answer any more. */
  _abandoned?: boolean;
  /** Called once it is sent. */
  _follow: (() => Settle) | undefined;
  _answered?: Settle | undefined;
  /** The wait in the queue, and then that of an action for its answer. */
  _timer: any;
}

/** The requests of a client: those that wait to be sent and those that wait for an answer. */
export interface Requests {
  /** How many wait to be sent. */
  _queued(): number;
  /** How many were sent and not answered yet. */
  _pending(): number;
  /**
   * Makes a request. `now` sends it past the queue, while the connection is being set up. `follow`
   * is called once it is sent; what it returns takes the answer at once, and also a late one.
   */
  _request(
    body: Record<string, unknown>,
    limits?: RequestOptions,
    now?: boolean,
    follow?: () => Settle,
  ): Promise<Answer>;
  /** True when something waits to be sent that names this room. */
  _names(room: unknown): boolean;
  /** Sends what waits, as far as it may go. Actions beyond the limit wait on. */
  _flush(): void;
  /** Gives an answer to the request it belongs to, if that is still there. */
  _answer(answer: Answer): void;
  /** The transport is gone: the answers still due will not come. */
  _lost(error: StellarError): void;
  /** There will be no connection: nothing that waits will be sent. */
  _ended(error: StellarError): void;
}

/**
 * Makes the requests of a client.
 *
 * The server numbers the messages of a connection from 1 and answers with that number, so
 * this counts what it sends and starts again with every transport. Everything sent goes
 * through here; that is what keeps the two counts in step.
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
      // A socket of another library that does not take it.
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
    // The server answers for an action that takes too long. When it does not, it was one that
    // answers nobody, and must not hold its place for ever.
    if (actionTimeout) {
      request._timer = after(actionTimeout + grace, () => {
        request._settle(new StellarError("timeout", `No answer in ${actionTimeout} ms`, true));
        done(number);
        flush();
      });
    }
  };

  /** Nothing is due for this number any more. */
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
            // One that was sent and given up holds its place until the server is done with it.
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
          // What only waits keeps no program running.
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
      // An action's fields are its own: only a verb's `status` says how it went.
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
