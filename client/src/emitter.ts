/** A listener of any event. */
export type Listener = (...args: any[]) => void;

/**
 * A small event emitter. A listener that throws neither stops the others nor
 * reaches the code that emitted: its error is thrown again on its own turn, so
 * that the page's error handling sees it.
 */
export class Emitter<Events extends { [name in keyof Events]: any[] }> {
  private _listeners: [name: string, fn: Listener, once?: boolean][] = [];

  /** Calls `fn` every time `name` happens. */
  on<K extends keyof Events & string>(name: K, fn: (...args: Events[K]) => void): this;
  on(name: string, fn: Listener): this;
  on(name: string, fn: Listener): this {
    this._listeners.push([name, fn]);
    return this;
  }

  /** Calls `fn` the next time `name` happens, and then no more. */
  once<K extends keyof Events & string>(name: K, fn: (...args: Events[K]) => void): this;
  once(name: string, fn: Listener): this;
  once(name: string, fn: Listener): this {
    this._listeners.push([name, fn, true]);
    return this;
  }

  /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
  off(name?: string, fn?: Listener): this {
    this._listeners = this._listeners.filter(
      ([its, own]) => name && (its !== name || (fn && own !== fn)),
    );
    return this;
  }

  /** The same as {@link on}. */
  addListener(name: string, fn: Listener): this {
    return this.on(name, fn);
  }

  /** The same as {@link off}. */
  removeListener(name: string, fn?: Listener): this {
    return this.off(name, fn);
  }

  /** Removes all listeners of `name`, or of everything. */
  removeAllListeners(name?: string): this {
    return this.off(name);
  }

  /** @internal */
  _emit(name: string, ...args: unknown[]): void {
    for (const [its, fn, once] of [...this._listeners]) {
      if (its !== name) continue;
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
