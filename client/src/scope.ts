import type { Listener } from "./emitter";
import type { Answer } from "./types";
import { invalid } from "./values";

/** The parts of a client that {@link Scope} uses. */
export interface ScopeHost {
  on(name: string, fn: Listener): unknown;
  off(name: string, fn?: Listener): unknown;
  /** @internal */
  _event(room: string, event: string, data: unknown): Promise<Answer>;
}

/** Returns the name of an event in one room. It is unique for each pair of room and event. */
export const scoped = (room: string, event: string): string =>
  `[${String(room).replace(/]/g, "]]")}].${event}`;

/** A set of rooms to send events to, or to listen to. */
export class Scope {
  private _rooms: string[];

  constructor(
    private _client: ScopeHost,
    rooms: string | string[],
  ) {
    this._rooms = [rooms].flat();
  }

  /** Returns a scope with additional rooms. */
  to(rooms: string | string[]): Scope {
    return new Scope(this._client, this._rooms.concat(rooms));
  }

  /** Alias of {@link to}, which reads better for listeners. */
  from(rooms: string | string[]): Scope {
    return this.to(rooms);
  }

  /** Alias of {@link to}. */
  for(rooms: string | string[]): Scope {
    return this.to(rooms);
  }

  /** Sends an event to each of the rooms. */
  async emit(event: string, data?: unknown): Promise<Answer[]> {
    // Checked before anything is sent.
    for (const room of this._rooms) if (typeof room !== "string") throw invalid("A room must be a string");
    return Promise.all(this._rooms.map((room) => this._client._event(room, event, data)));
  }

  /** Calls `fn(data, message)` on every such event in one of the rooms. */
  on(event: string, fn: (data: any, message: any) => void): this {
    for (const room of this._rooms) this._client.on(scoped(room, event), fn);
    return this;
  }

  /** Removes listeners added with {@link on}. */
  off(event: string, fn?: Listener): this {
    for (const room of this._rooms) this._client.off(scoped(room, event), fn);
    return this;
  }
}
