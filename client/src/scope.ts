import type { Listener } from "./emitter";
import type { Answer } from "./types";
import { invalid } from "./values";

/** What a scope uses of its client. */
export interface ScopeHost {
  on(name: string, fn: Listener): unknown;
  off(name: string, fn?: Listener): unknown;
  /** @internal */
  _event(room: string, event: string, data: unknown): Promise<Answer>;
}

/** The name under which an event of one room is told: no two rooms and events have the same. */
export const scoped = (room: string, event: string): string =>
  `[${String(room).replace(/]/g, "]]")}].${event}`;

/** Some rooms, to send events to or to hear events from. */
export class Scope {
  private _rooms: string[];

  constructor(
    private _client: ScopeHost,
    rooms: string | string[],
  ) {
    this._rooms = [rooms].flat();
  }

  /** Adds rooms. */
  to(rooms: string | string[]): Scope {
    return new Scope(this._client, this._rooms.concat(rooms));
  }

  /** The same as {@link to}, for reading. */
  from(rooms: string | string[]): Scope {
    return this.to(rooms);
  }

  /** The same as {@link to}, as a guide spells it. */
  for(rooms: string | string[]): Scope {
    return this.to(rooms);
  }

  /** Sends an event to each of the rooms. */
  async emit(event: string, data?: unknown): Promise<Answer[]> {
    // Before anything is sent to one of them.
    for (const room of this._rooms) if (typeof room !== "string") throw invalid("A room must be a string");
    return Promise.all(this._rooms.map((room) => this._client._event(room, event, data)));
  }

  /** Calls `fn(data, message)` when the event happens in one of the rooms. */
  on(event: string, fn: (data: any, message: any) => void): this {
    for (const room of this._rooms) this._client.on(scoped(room, event), fn);
    return this;
  }

  /** Takes {@link on} back. */
  off(event: string, fn?: Listener): this {
    for (const room of this._rooms) this._client.off(scoped(room, event), fn);
    return this;
  }
}
