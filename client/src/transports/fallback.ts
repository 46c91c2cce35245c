import { after } from "../deadline";
import type { Resolved } from "../options";
import type { Connect, Transport, Transports } from "./transport";

/** A transport of an engine that can be tried. */
interface Candidate {
  /** The key in the session storage. */
  _key: string;
  _path: string;
  /** Whether it is a WebSocket. A network that blocks one WebSocket blocks all of them. */
  _socket: boolean;
  _connect: Connect;
}

// Number of attempts with the proven candidate alone. A restarting server looks like a network that
// has begun to block the candidate.
const patience = 3;

/** Accesses the session storage, where the proven candidate is kept. Not available everywhere. */
const storage = (use: (kept: Storage) => string | null | void): string | null | void => {
  try {
    return use(sessionStorage);
  } catch {
    // The connection itself still remembers the candidate.
  }
};

/**
 * Combines several engines into one.
 *
 * Each attempt tries their transports in order until one completes a round trip to the server. The
 * next attempt starts with that one. Returns `undefined` if the build has none of the engines.
 */
export function fallback(options: Resolved, built: Transports): Connect | undefined {
  const { url, path, paths, timeout } = options;
  // `path` belongs to the server's first engine, whichever engine this client tries first.
  const [primary] = $settings.transports ?? options.transports;
  const candidates = options.transports.flatMap((name) =>
    (built[name] ?? []).map((connect, index): Candidate => ({
      _key: name + index,
      _path: name === primary ? path : (paths?.[name] ?? "/" + name),
      _socket: !index,
      _connect: connect,
    })),
  );
  if (!candidates.length) return;
  const item = `stellar ${url}${path}`;
  const key = storage((kept) => kept.getItem(item));
  let best = candidates.find((candidate) => candidate._key === key);
  let proven = false;
  let failures = 0;

  return (context, events) => {
    const others = candidates.filter((candidate) => candidate !== best);
    let left = !best ? others : proven && failures < patience ? [best] : [best, ...others];
    failures++;
    const causes: unknown[] = [];
    let round = 0;
    let tried = false;
    let timer: any;
    let inner: Transport | undefined;

    const leave = () => {
      round++;
      clearTimeout(timer);
      inner?.close();
      inner = undefined;
    };

    /** Returns the causes of all failures, or the only one. */
    const combined = (cause: unknown) =>
      causes.length > 1 ? new AggregateError(causes, causes.join("; ")) : cause;

    const next = () => {
      const candidate = left.shift()!;
      const own = ++round;
      let arrived = false;
      const current = () => own === round;
      const fail = (giveUp: () => void) => {
        if (arrived || !left.length) return giveUp();
        leave();
        // A network that blocks one WebSocket blocks all of them.
        if (candidate._socket) left = left.filter(({ _socket }) => !_socket);
        if (left.length) next();
        else giveUp();
      };
      /** Handles the first payload from the server, which proves the candidate. */
      const arrive = () => {
        if (arrived) return;
        arrived = proven = true;
        failures = 0;
        best = candidate;
        clearTimeout(timer);
        storage((kept) => kept.setItem(item, candidate._key));
        events.open();
      };
      const url = new URL(context.url);
      url.pathname = candidate._path;
      if (left.length) {
        timer = after(timeout / 3, () => {
          if (current()) fail(() => events.close(1006, "No answer"));
        });
      }
      try {
        inner = candidate._connect(
          { ...context, url },
          {
            // An open connection proves nothing: some proxies accept it and then block its data.
            // Every server answers the probe, which does not count as a message.
            open() {
              if (!current()) return;
              if (candidates.length < 2) arrive();
              else inner!.send(context.codec.encode(probe), probe);
            },
            data(payload) {
              if (!current()) return;
              arrive();
              events.data(payload);
            },
            message(message) {
              if (!current()) return;
              arrive();
              events.message(message);
            },
            close(code, reason, refusal, cause) {
              if (!current()) return;
              if (!arrived && cause) causes.push(cause);
              if (refusal) events.close(code, reason, refusal);
              else {
                fail(() => events.close(code, reason, refusal, arrived ? cause : combined(cause)));
              }
            },
          },
        );
        tried = true;
      } catch (error) {
        // The platform does not support the candidate.
        clearTimeout(timer);
        causes.push(error);
        if (left.length) next();
        // An earlier candidate may succeed in the next attempt.
        else if (tried) events.close(1006, String(error), undefined, combined(error));
        else throw combined(error);
      }
    };
    next();

    return {
      get name() {
        return inner?.name ?? "";
      },
      get way() {
        return inner?.way ?? "websocket";
      },
      send: (payload, message) => inner!.send(payload, message),
      close: leave,
    };
  };
}

const probe = "primus::id::";
