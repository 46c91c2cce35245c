/** A first-in, first-out queue of limited length, which drops its oldest item when full. */
export class BoundedQueue<T> {
  private _items: T[] = [];

  /** Makes a queue that holds at most `limit` items. */
  constructor(private _limit: number) {}

  /** How many items wait. */
  get length(): number {
    return this._items.length;
  }

  /** Adds an item; returns the item that had to go for it, if one had to. */
  push(item: T): T | undefined {
    this._items.push(item);
    return this._items.length > this._limit ? this._items.shift() : undefined;
  }

  /** Takes every item that `take` accepts, in order; the others stay in their order. */
  _drain(take: (item: T) => boolean): void {
    const items = this._items;
    this._items = [];
    const kept = items.filter((item) => !take(item));
    // What was pushed while draining comes after what was kept.
    this._items = kept.concat(this._items);
  }

  /** Removes one item, if it is there. */
  _remove(item: T): void {
    this._items = this._items.filter((other) => other !== item);
  }
}
