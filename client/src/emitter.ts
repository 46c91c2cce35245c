/** A listener of any event. */
export type Listener = (...args: any[]) => void;

/** A name of an event: one of the emitter, or one of a room. */
export type EventName<Events> = (keyof Events & string) | `[${string}].${string}`;

/** The arguments of a listener. */
export type EventArgs<Events, Name> = Name extends keyof Events
  ? Events[Name] extends any[]
    ? Events[Name]
    : never
  : any[];

/**
 * A minimal event emitter.
 *
 * An exception of a listener does not affect the other listeners or the emitting code. It is
 * rethrown asynchronously, so that the page's error handling sees it.
 */
export class Emitter<Events extends { [name in keyof Events]: any[] }> {
  private _listeners: [name: string, fn: Listener, once: boolean | undefined][] = [];

  /** Calls `fn` on every event `name`. */
  on<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this {
    return this._add(name, fn as Listener);
  }

  /** Calls `fn` on the next event `name` only. */
  once<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this {
    return this._add(name, fn as Listener, true);
  }

  /** Removes `fn` from `name`. Without `fn`: all listeners of `name`. Without both: all listeners. */
  off(name?: EventName<Events>, fn?: Listener): this {
    this._listeners = this._listeners.filter(
      ([its, own]) => name && (its !== name || (fn && own !== fn)),
    );
    return this;
  }

  /** Alias of {@link on}. */
  addListener<K extends EventName<Events>>(
    name: K,
    fn: (...args: EventArgs<Events, K>) => void,
  ): this {
    return this.on(name, fn);
  }

  /** Alias of {@link off}. */
  removeListener(name: EventName<Events>, fn?: Listener): this {
    return this.off(name, fn);
  }

  /** Removes all listeners of `name`, or of all events. */
  removeAllListeners(name?: EventName<Events>): this {
    return this.off(name);
  }

  /** @internal */
  _add(name: string, fn: Listener, once?: boolean): this {
    this._listeners.push([name, fn, once]);
    return this;
  }

  /** @internal */
  _emit(name: string, ...args: unknown[]): void {
    for (const [its, fn, once] of [...this._listeners]) {
      if (its !== name) continue;
      if (once) this.off(name as EventName<Events>, fn);
      try {
        fn.apply(this, args);
      } catch (error) {
        setTimeout(() => {
          throw error;
        });
      }
    }
  }
}
