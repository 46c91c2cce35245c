/** What the browser knows about the network; outside a browser nothing. */
export interface NetworkSignals {
    /** There is a network (again). */
    online(): void;
    /** There is no network. */
    offline(): void;
    /** The page is looked at (again). */
    wake(): void;
}
/** True when the browser says that there is no network. It is often wrong when it says there is. */
export declare const isOffline: () => boolean;
/** Listens to the browser's signals; returns what ends it. */
export declare function watchNetwork({ online, offline, wake }: NetworkSignals): () => void;
