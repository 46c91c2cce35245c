/** A listener of any event. */
export type Listener = (...args: any[]) => void;
/**
 * A small event emitter. A listener that throws neither stops the others nor
 * reaches the code that emitted: its error is thrown again on its own turn, so
 * that the page's error handling sees it.
 */
export declare class Emitter<Events extends {
    [name in keyof Events]: any[];
}> {
    private _listeners;
    /** Calls `fn` every time `name` happens. */
    on<K extends keyof Events & string>(name: K, fn: (...args: Events[K]) => void): this;
    on(name: string, fn: Listener): this;
    /** Calls `fn` the next time `name` happens, and then no more. */
    once<K extends keyof Events & string>(name: K, fn: (...args: Events[K]) => void): this;
    once(name: string, fn: Listener): this;
    /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
    off(name?: string, fn?: Listener): this;
    /** The same as {@link on}. */
    addListener(name: string, fn: Listener): this;
    /** The same as {@link off}. */
    removeListener(name: string, fn?: Listener): this;
    /** Removes all listeners of `name`, or of everything. */
    removeAllListeners(name?: string): this;
}
