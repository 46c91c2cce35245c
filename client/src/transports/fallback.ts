import { after } from "../deadline";
import type { Resolved } from "../options";
import type { Connect, Transport, Transports } from "./transport";

interface Way {
  /** What it is remembered by. */
  _key: string;
  _path: string;
  /** Whether it is a WebSocket. Networks that do not let one through let none through. */
  _socket: boolean;
  _connect: Connect;
}

// So often the way that worked is tried alone: a server that restarts is not a network that has
// begun to block what worked.
const patience = 3;

/** Where the way is kept for as long as the tab is open. Not every page may, and no program. */
const storage = (use: (kept: Storage) => string | null | void): string | null | void => {
  try {
    return use(sessionStorage);
  } catch {
    // The connection itself still knows it.
  }
};

/**
 * An engine made of several: each attempt tries their ways in order until one leads to the server
 * and back, and the next attempt begins with that one. Nothing when none of them is here.
 */
export function fallback(options: Resolved, built: Transports): Connect | undefined {
  const { url, path, paths, timeout } = options;
  // The server's first has the path, whichever this client tries first.
  const [primary] = $settings.transports ?? options.transports;
  const ways = options.transports.flatMap((name) =>
    (built[name] ?? []).map((connect, index): Way => ({
      _key: name + index,
      _path: name === primary ? path : (paths?.[name] ?? "/" + name),
      _socket: !index,
      _connect: connect,
    })),
  );
  if (!ways.length) return;
  const place = `stellar ${url}${path}`;
  const key = storage((kept) => kept.getItem(place));
  let best = ways.find((way) => way._key === key);
  let proven = false;
  let failures = 0;

  return (context, events) => {
    const others = ways.filter((way) => way !== best);
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

    /** What all ways failed of, where it is more than the last of them. */
    const all = (cause: unknown) =>
      causes.length > 1 ? new AggregateError(causes, causes.join("; ")) : cause;

    const next = () => {
      const way = left.shift()!;
      const own = ++round;
      let there = false;
      const current = () => own === round;
      const fail = (again: () => void) => {
        if (there || !left.length) return again();
        leave();
        // What one WebSocket did not get through, another will not.
        if (way._socket) left = left.filter((way) => !way._socket);
        if (left.length) next();
        else again();
      };
      /** Something came all the way from the server. */
      const arrived = () => {
        if (there) return;
        there = proven = true;
        failures = 0;
        best = way;
        clearTimeout(timer);
        storage((kept) => kept.setItem(place, way._key));
        events.open();
      };
      const url = new URL(context.url);
      url.pathname = way._path;
      if (left.length) {
        timer = after(timeout / 3, () => {
          if (current()) fail(() => events.close(1006, "No answer"));
        });
      }
      try {
        inner = way._connect(
          { ...context, url },
          {
            // Opening alone proves nothing: some let a connection through, and then nothing over
            // it. Everybody is answered this, and it does not count as a message.
            open() {
              if (!current()) return;
              if (ways.length < 2) arrived();
              else inner!.send(context.codec.encode(ask), ask);
            },
            data(payload) {
              if (!current()) return;
              arrived();
              events.data(payload);
            },
            message(message) {
              if (!current()) return;
              arrived();
              events.message(message);
            },
            close(code, reason, refusal, cause) {
              if (!current()) return;
              if (!there && cause) causes.push(cause);
              if (refusal) events.close(code, reason, refusal);
              else fail(() => events.close(code, reason, refusal, there ? cause : all(cause)));
            },
          },
        );
        tried = true;
      } catch (error) {
        // It cannot work here.
        clearTimeout(timer);
        causes.push(error);
        if (left.length) next();
        // Those before it can, another time.
        else if (tried) events.close(1006, String(error), undefined, all(error));
        else throw all(error);
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

const ask = "primus::id::";
