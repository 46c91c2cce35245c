/** A listener of any event. */
export type Listener = (...args: any[]) => void;

/**
 * A small event emitter. A listener that throws neither stops the others nor
 * reaches the code that emitted: its error is thrown again on its own turn, so
 * that the page's error handling sees it.
 */
export class Emitter<Events extends { [name in keyof Events]: any[] }> {
  private _listeners = new Map<string, { fn: Listener; once: boolean }[]>();

  /** Calls `fn` every time `name` happens. */
  on<K extends keyof Events & string>(name: K, fn: (...args: Events[K]) => void): this;
  on(name: string, fn: Listener): this;
  on(name: string, fn: Listener): this {
    return this._add(name, fn, false);
  }

  /** Calls `fn` the next time `name` happens, and then no more. */
  once<K extends keyof Events & string>(name: K, fn: (...args: Events[K]) => void): this;
  once(name: string, fn: Listener): this;
  once(name: string, fn: Listener): this {
    return this._add(name, fn, true);
  }

  /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
  off(name?: string, fn?: Listener): this {
    if (name === undefined) this._listeners.clear();
    else this._listeners.set(name, (fn && this._listeners.get(name)?.filter((l) => l.fn !== fn)) || []);
    return this;
  }

  /** The same as {@link off}, under the name other emitters use. */
  removeListener(name: string, fn: Listener): this {
    return this.off(name, fn);
  }

  /** The same as {@link off}, under the name other emitters use. */
  removeAllListeners(name?: string): this {
    return this.off(name);
  }

  private _add(name: string, fn: Listener, once: boolean): this {
    // A new array each time: an emit under way keeps walking the old one.
    this._listeners.set(name, [...(this._listeners.get(name) ?? []), { fn, once }]);
    return this;
  }

  /** @internal */
  _emit(name: string, ...args: unknown[]): void {
    for (const { fn, once } of this._listeners.get(name) ?? []) {
      if (once) this.off(name, fn);
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
