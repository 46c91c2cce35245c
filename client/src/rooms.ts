import { backoff } from "./backoff";
import { after } from "./deadline";
import { StellarError } from "./errors";
import type { Answer, Membership } from "./types";

/**
 * Takes the answer to a message. A refused one has an error, an abandoned one has nobody who waits
 * for it. Returns `true` if the refusal is none to whoever waits.
 */
export type Settle = (answer: Answer, error?: StellarError, abandoned?: boolean) => unknown;

/** What the model uses of its client. */
export interface RoomsHost {
  /** Joins or leaves a room. Rejects with the refusal, or when no answer comes in time. */
  _move(join: boolean, room: string, settle: Settle): Promise<unknown>;
  /** Asks for the details of this connection. */
  _look(settle: Settle): Promise<unknown>;
  /** Emits an event to the application. */
  _emit(name: string, ...args: unknown[]): void;
}

/** The rooms of a client: the ones it wants to be in, and the ones it is in. */
export interface Rooms {
  /** The rooms that the server counts this connection in, in the order they were joined. */
  _in(): string[];
  /** The rooms that are joined on every connection. */
  _wanted(): string[];
  /** The membership of one room. */
  _state(room: string): Membership;
  /** Wants a room until the returned function is called. */
  _hold(room: string): () => void;
  /** Follows a join or a leave that the application sends. */
  _follow(join: boolean, room: string): Settle;
  /** The application leaves a room, and nothing waits to be sent there: without a connection it is done. */
  _drop(room: string): void;
  /** A connection is open. Resolves once the details are there and rooms have been joined again. */
  _begin(): Promise<void>;
  /** The connection is lost, and every membership with it. `_flush` reports that. */
  _lost(): void;
  /** Reports the changes since the last report. */
  _flush(): void;
  /** The server says which rooms it counts this connection in. */
  _truth(rooms: string[]): void;
  /** The server destroyed a room. */
  _destroyed(room: string, error: StellarError): void;
  /** Something shows that this connection is a member of a room, or is none; or that it may have changed. */
  _evidence(room?: string, member?: boolean): void;
}

/**
 * True for refusals that pass by themselves: 001 a fault of the server, 006 shutting down, 007 too
 * many requests at once, 024 the room is full (perhaps of this client's last connection), 025 over
 * the message rate, 026 the broker does not answer.
 */
const passes = ({ code }: StellarError) => /^(00[167]|02[456]|timeout)$/.test(code);

/** When to try again. Slowly: a server that bounds the rate of messages ends those that hurry. */
const pauses = { min: 500, max: 3e4, factor: 2, retries: null };

interface Room extends Pause {
  _name: string;
  _wanted?: boolean;
  /** Wanted by the application or the server, and not only while somebody holds it. */
  _kept?: boolean;
  _holders: number;
  /** The server counts this connection as a member. */
  _in?: boolean;
  /** The connection on which `_in` changed without the application, whose own move then is no fault. */
  _itself: number;
  /** How many joins and leaves are under way. */
  _busy: number;
  /** The application's latest join or leave. */
  _last?: unknown;
  _error: StellarError | null;
}

/** A wait for the next attempt. */
interface Pause {
  _timer?: any;
  /** How many attempts were refused in a row. */
  _attempt: number;
}

/**
 * Makes the model of a client's rooms: what is wanted, and what is. It joins and leaves until both
 * are the same: again after refusals that pass, never after final ones.
 *
 * Joins start slowly, as TCP does: each one that is answered well lets one more go at once. So of
 * what is over a message rate no more is sent than was taken, which servers bear; and after that
 * they go one at a time.
 */
export function memberships(host: RoomsHost, names: string[], patience: number): Rooms {
  const rooms = new Map<string, Room>();
  const dirty = new Set<Room>();
  /** What was taken for evidence on this connection. */
  let seen = new Set<unknown>();
  /** Counts connections: what an earlier one still answers is not heard. */
  let round = 1;
  let live = false;
  /** The memberships may be others than those that are known, and the server is being asked. */
  let unsure = false;
  let looking = false;
  /** Own moves under way, and how many may be. */
  let flying = 0;
  let limit = 1;
  let growth = 1;
  /** The wait of all of them: for the server's message rate, which is not known. */
  const rate: Pause = { _attempt: 0 };
  let settled = () => {};
  let deadline: any;

  const get = (_name: string): Room => {
    let room = rooms.get(_name);
    if (!room) {
      room = { _name, _holders: 0, _itself: 0, _busy: 0, _attempt: 0, _error: null };
      rooms.set(_name, room);
    }
    return room;
  };

  const list = (which: (room: Room) => unknown) =>
    [...rooms.values()].filter(which).map(({ _name }) => _name);

  const want = (room: Room, wanted: boolean) => {
    room._wanted = room._kept = wanted;
  };

  const state = ({ _name, _in, _error }: Room) => ({ room: _name, joined: !!_in, error: _error });

  const set = (room: Room, joined: boolean, itself = 0, error: StellarError | null = null) => {
    if (!room._in === joined || room._error !== error) dirty.add(room);
    // To the end: rooms stand in the order they were joined.
    if (!room._in) rooms.delete(room._name);
    rooms.set(room._name, room);
    clearTimeout(room._timer);
    room._timer = room._attempt = 0;
    room._in = joined;
    room._itself = itself;
    room._error = error;
  };

  const flush = () => {
    for (const room of dirty) {
      dirty.delete(room);
      host._emit("membership", state(room));
    }
  };

  const wait = (pause: Pause) => {
    clearTimeout(pause._timer);
    pause._timer = setTimeout(
      () => {
        pause._timer = 0;
        next();
      },
      // From the second on, which is not short.
      backoff(++pause._attempt + 1, pauses),
    );
  };

  /** Follows a join or a leave that is sent: the application's, or an own one. */
  const follow = (room: Room, join: boolean, own?: boolean): Settle => {
    const at = round;
    const last = own ? 0 : (room._last = {});
    let due = 1;
    room._busy++;
    if (own) flying++;
    // Whatever the server answers, it is not wanted any more.
    else if (!join) want(room, false);
    return (_, error, abandoned) => {
      if (at !== round) return;
      // A late answer may find that the room was forgotten.
      room = get(room._name);
      room._busy -= due;
      if (own) flying -= due;
      due = 0;
      const code = error?.code;
      const already = join ? code === "017" : code === "016" || code === "019";
      const forgiven = already && room._itself === at && !room._in === !join;
      if (!error || already) {
        set(room, join, own || abandoned ? at : 0);
        if (own) {
          limit += growth;
          if (rate._attempt) rate._attempt--;
        } else if (join && !abandoned && room._last === last) want(room, true);
      } else {
        const again = passes(error);
        if (own && join) {
          room._error = error;
          dirty.add(room);
          if (!again) {
            want(room, false);
            host._emit("error", error);
          }
        }
        if (code === "025") {
          limit = 1;
          growth = 0;
          // Those that were refused together are one attempt.
          if (!rate._timer) wait(rate);
        } else if (again || !join) wait(room);
      }
      next();
      return forgiven;
    };
  };

  /** Brings what is nearer to what is wanted. */
  const next = () => {
    if (live && !rate._timer) {
      if (unsure && !looking) look();
      for (const room of [...rooms.values()]) {
        const { _name: name, _wanted: join = false } = room;
        if (room._busy || room._timer) continue;
        if (join !== !!room._in) {
          if (flying >= limit) continue;
          const settle = follow(room, join, true);
          // Refusals have been settled. What remains came too late, and may yet be answered.
          host._move(join, name, settle).catch((error) => error.response || settle({}, error));
        } else if (!join && !room._holders && room._itself !== round) rooms.delete(name);
      }
    }
    if (!flying && !looking && !unsure) settled();
    flush();
  };

  const look = () => {
    const at = round;
    unsure = false;
    looking = true;
    const settle: Settle = (_, error) => {
      if (at !== round) return;
      looking = false;
      if (!error) {
        // A room that takes long is no reason to have no connection.
        deadline ??= after(patience, settled);
      } else if (passes(error)) {
        unsure = true;
        wait(rate);
      } else host._emit("error", error);
      next();
    };
    host._look(settle).catch((error) => error.response || settle({}, error));
  };

  for (const name of names) want(get(name), true);

  return {
    _in: () => list(({ _in }) => _in),
    _wanted: () => list(({ _wanted }) => _wanted),
    _state: (name) => state(get(name)),
    _hold(name) {
      const room = get(name);
      let holding = 1;
      room._holders++;
      if (!room._wanted) {
        room._wanted = true;
        room._error = null;
      }
      next();
      return () => {
        room._holders -= holding;
        holding = 0;
        // Later, because a component that comes instead of this one holds it in the same turn.
        setTimeout(() => {
          if (room._holders || room._kept) return;
          room._wanted = false;
          next();
        }, 0);
      };
    },
    _follow: (join, name) => follow(get(name), join),
    _drop(name) {
      if (live || !rooms.has(name)) return;
      want(get(name), false);
      get(name)._itself = round;
    },
    _begin() {
      live = unsure = true;
      seen = new Set();
      return new Promise((resolve) => {
        settled = resolve;
        next();
      });
    },
    _lost() {
      round++;
      live = unsure = looking = false;
      clearTimeout(rate._timer);
      clearTimeout(deadline);
      flying = rate._timer = 0;
      limit = 1;
      deadline = undefined;
      for (const room of rooms.values()) {
        clearTimeout(room._timer);
        if (room._in) dirty.add(room);
        room._in = false;
        room._busy = room._timer = 0;
      }
    },
    _flush: flush,
    _truth(list) {
      for (const name of list) {
        const room = get(name);
        if (room._in) continue;
        // The server's doing: it is to come back like those that the application asked for.
        if (!room._busy) want(room, true);
        set(room, true, round);
      }
      for (const room of [...rooms.values()]) {
        const { _name: name } = room;
        if (!room._in || list.includes(name)) continue;
        if (!room._busy) want(room, false);
        set(room, false, 0, new StellarError("016", `Taken out of the room (${name})`));
      }
    },
    _destroyed(name, error) {
      const room = get(name);
      want(room, false);
      set(room, false, 0, error);
      next();
    },
    _evidence(name, member) {
      if (member !== undefined) {
        const room = rooms.get(name!);
        if (looking || room?._busy || !room?._in !== member || seen.has(name)) return;
        seen.add(name);
      }
      unsure = live;
      next();
    },
  };
}
