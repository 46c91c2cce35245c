/** A first-in, first-out queue of limited length, which drops its oldest item when full. */
export declare class BoundedQueue<T> {
    private _limit;
    private _items;
    /** Makes a queue that holds at most `limit` items. */
    constructor(_limit: number);
    /** How many items wait. */
    get length(): number;
    /** Adds an item; returns the item that had to go for it, if one had to. */
    push(item: T): T | undefined;
    /** Takes every item that `take` accepts, in order; the others stay in their order. */
    _drain(take: (item: T) => boolean): void;
    /** Removes one item, if it is there. */
    _remove(item: T): void;
}
