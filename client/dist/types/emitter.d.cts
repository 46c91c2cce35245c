/** A listener of any event. */
export type Listener = (...args: any[]) => void;
/** Names of events: the emitter's own, and those of one room. */
export type EventName<Events> = (keyof Events & string) | `[${string}].${string}`;
/** What a listener of an event gets. */
export type EventArgs<Events, Name> = Name extends keyof Events ? Events[Name] extends any[] ? Events[Name] : never : any[];
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
    on<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this;
    /** Calls `fn` the next time `name` happens, and then no more. */
    once<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this;
    /** Removes `fn` from `name`; without `fn`, all of `name`; without both, everything. */
    off(name?: EventName<Events>, fn?: Listener): this;
    /** The same as {@link on}. */
    addListener<K extends EventName<Events>>(name: K, fn: (...args: EventArgs<Events, K>) => void): this;
    /** The same as {@link off}. */
    removeListener(name: EventName<Events>, fn?: Listener): this;
    /** Removes all listeners of `name`, or of everything. */
    removeAllListeners(name?: EventName<Events>): this;
}
