/** A listener of any event. */
export type Listener = (...args: any[]) => void;

/** Names of events: the emitter's own, and those of one room. */
export type EventName<Events> = (keyof Events & string) | `[${string}].${string}`;

/** What a listener of an event gets. */
export type EventArgs<Events, Name> = Name extends keyof Events
  ? Events[Name] extends any[]
    ? Events[Name]
    : never
  : any[];

/**
 * A small event emitter. A listener that throws neither stops the others nor
 * reaches the code that emitted: its error is thrown again on its own turn, so
 * that the page's error handling sees it.
 */
export class Emitter<Events extends { [name in keyof Events]: any[] }> {
  private _listeners: [name: string, fn: Listener, once: boolean | undefined][] = [];

  /** Calls `fn` every time `name` happens. */
  on<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this {
    return this._add(name, fn as Listener);
  }

  /** Calls `fn` the next time `name` happens, and then no more. */
  once<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this {
    return this._add(name, fn as Listener, true);
  }

  /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
  off(name?: EventName<Events>, fn?: Listener): this {
    this._listeners = this._listeners.filter(
      ([its, own]) => name && (its !== name || (fn && own !== fn)),
    );
    return this;
  }

  /** The same as {@link on}. */
  addListener<K extends EventName<Events>>(
    name: K,
    fn: (...args: EventArgs<Events, K>) => void,
  ): this {
    return this.on(name, fn);
  }

  /** The same as {@link off}. */
  removeListener(name: EventName<Events>, fn?: Listener): this {
    return this.off(name, fn);
  }

  /** Removes all listeners of `name`, or of everything. */
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
