/** What the browser knows about the network; outside a browser nothing. */
export interface NetworkSignals {
    /** There is a network (again). */
    _online(): void;
    /** There is no network. */
    _offline(): void;
    /** The page is looked at (again). */
    _wake(): void;
}
/** True when the browser says that there is no network. It is often wrong when it says there is. */
export declare const isOffline: () => boolean;
/** Listens to the browser's signals; returns what ends it. */
export declare function watchNetwork({ _online, _offline, _wake }: NetworkSignals): () => void;
