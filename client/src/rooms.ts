import { backoff } from "./backoff";
import { after } from "./deadline";
import { StellarError } from "./errors";
import type { Answer, Membership } from "./types";

/**
 * Receives the response to a join or leave.
 *
 * `error` is set for a refusal, and `abandoned` if the caller's promise has already settled. Returns
 * `true` if the caller's promise resolves despite the refusal.
 */
export type Settle = (answer: Answer, error?: StellarError, abandoned?: boolean) => unknown;

/** The parts of a client that {@link Rooms} uses. */
export interface RoomsHost {
  /** Joins or leaves a room. Rejects with the refusal or a timeout. */
  _move(join: boolean, room: string, settle: Settle): Promise<unknown>;
  /** Requests the details of the connection. */
  _requestDetails(settle: Settle): Promise<unknown>;
  /** Emits an event to the application. */
  _emit(name: string, ...args: unknown[]): void;
}

/** The wanted and the actual memberships of a client. */
export interface Rooms {
  /** Returns the rooms that the connection is a member of, in the order of joining. */
  _in(): string[];
  /** Returns the rooms that are joined on every connection. */
  _wanted(): string[];
  /** Returns the membership of one room. */
  _state(room: string): Membership;
  /** Wants a room until the returned function is called. */
  _hold(room: string): () => void;
  /** Tracks a join or leave that the application sends. */
  _follow(join: boolean, room: string): Settle;
  /** Handles a leave without queued requests for the room; while disconnected it takes effect at once. */
  _drop(room: string): void;
  /** Handles a new connection. Resolves once the details are known and the rooms are rejoined. */
  _begin(): Promise<void>;
  /** Clears every membership, because the connection is lost. `_flush` reports the changes. */
  _lost(): void;
  /** Emits the changes since the last call. */
  _flush(): void;
  /** Adopts the server's list of memberships. */
  _synchronize(rooms: string[]): void;
  /** Handles a room that the server destroyed. */
  _destroyed(room: string, error: StellarError): void;
  /** Handles a hint that a membership, or any membership without `room`, may have changed. */
  _hint(room?: string, member?: boolean): void;
}

/**
 * Returns `true` for temporary refusals: 001 internal error, 006 shutting down, 007 too many pending
 * requests, 024 room full (possibly of this client's previous connection), 025 over the message
 * rate, 026 broker unavailable.
 */
const isTemporary = ({ code }: StellarError) => /^(00[167]|02[456]|timeout)$/.test(code);

/** Delays of retries. They are long, because a server with a message rate closes eager clients. */
const retries = { min: 500, max: 3e4, factor: 2, retries: null };

interface Room extends Pause {
  _name: string;
  _wanted?: boolean;
  /** Wanted by the application or the server, independently of holders. */
  _kept?: boolean;
  _holders: number;
  /** The connection is a member. */
  _in?: boolean;
  /** The round in which `_in` changed without the application, whose own request then succeeds. */
  _itself: number;
  /** The number of pending joins and leaves. */
  _busy: number;
  /** The application's latest join or leave. */
  _last?: unknown;
  _error: StellarError | null;
}

/** A delay before the next attempt. */
interface Pause {
  _timer?: any;
  /** The number of consecutive refusals. */
  _attempt: number;
}

/**
 * Creates the model of a client's rooms.
 *
 * It joins and leaves rooms until the actual memberships equal the wanted ones. Temporary refusals
 * are retried, final ones are not.
 *
 * The number of concurrent joins grows as in TCP slow start: every success allows one more. A client
 * therefore exceeds a message rate by at most the number of accepted messages, which servers
 * tolerate. After a refusal for the rate, joins are sequential.
 */
export function memberships(host: RoomsHost, names: string[], patience: number): Rooms {
  const rooms = new Map<string, Room>();
  const dirty = new Set<Room>();
  /** Rooms whose hints were followed on this connection. */
  let seen = new Set<unknown>();
  /** The number of the connection. Responses of earlier ones are ignored. */
  let round = 1;
  let live = false;
  /** The known memberships may be outdated. */
  let stale = false;
  /** The details are requested. */
  let requesting = false;
  /** The number of the model's own pending moves, and its limit. */
  let inFlight = 0;
  let limit = 1;
  let growth = 1;
  /** The delay of all moves after a refusal for the message rate, whose value is unknown. */
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
    // Moved to the end, because the map is in the order of joining.
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
      // Starts with the delay of a second attempt, which has a minimum.
      backoff(++pause._attempt + 1, retries),
    );
  };

  /** Tracks a join or leave that is sent, by the application or by the model (`own`). */
  const follow = (room: Room, join: boolean, own?: boolean): Settle => {
    const at = round;
    const last = own ? 0 : (room._last = {});
    let due = 1;
    room._busy++;
    if (own) inFlight++;
    // A leave by the application takes effect even if the server refuses it.
    else if (!join) want(room, false);
    return (_, error, abandoned) => {
      if (at !== round) return;
      // The room may have been removed before a late response.
      room = get(room._name);
      room._busy -= due;
      if (own) inFlight -= due;
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
        const again = isTemporary(error);
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
          // Concurrent refusals count as one attempt.
          if (!rate._timer) wait(rate);
        } else if (again || !join) wait(room);
      }
      next();
      return forgiven;
    };
  };

  /** Sends the joins and leaves that are missing. */
  const next = () => {
    if (live && !rate._timer) {
      if (stale && !requesting) requestDetails();
      for (const room of [...rooms.values()]) {
        const { _name: name, _wanted: join = false } = room;
        if (room._busy || room._timer) continue;
        if (join !== !!room._in) {
          if (inFlight >= limit) continue;
          const settle = follow(room, join, true);
          // Refusals are settled already. A timeout settles here; its response may still arrive.
          host._move(join, name, settle).catch((error) => error.response || settle({}, error));
        } else if (!join && !room._holders && room._itself !== round) rooms.delete(name);
      }
    }
    if (!inFlight && !requesting && !stale) settled();
    flush();
  };

  const requestDetails = () => {
    const at = round;
    stale = false;
    requesting = true;
    const settle: Settle = (_, error) => {
      if (at !== round) return;
      requesting = false;
      if (!error) {
        // A slow room must not delay the connection indefinitely.
        deadline ??= after(patience, settled);
      } else if (isTemporary(error)) {
        stale = true;
        wait(rate);
      } else host._emit("error", error);
      next();
    };
    host._requestDetails(settle).catch((error) => error.response || settle({}, error));
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
        // Deferred, because a component that replaces this one may hold the room in the same tick.
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
      live = stale = true;
      seen = new Set();
      return new Promise((resolve) => {
        settled = resolve;
        next();
      });
    },
    _lost() {
      round++;
      live = stale = requesting = false;
      clearTimeout(rate._timer);
      clearTimeout(deadline);
      inFlight = rate._timer = 0;
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
    _synchronize(list) {
      for (const name of list) {
        const room = get(name);
        if (room._in) continue;
        // Added by the server: wanted like rooms that the application joined.
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
    _hint(name, member) {
      if (member !== undefined) {
        const room = rooms.get(name!);
        if (requesting || room?._busy || !room?._in !== member || seen.has(name)) return;
        seen.add(name);
      }
      stale = live;
      next();
    },
  };
}
