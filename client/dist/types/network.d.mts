/** True when the browser says that there is no network. It is often wrong when it says there is. */
export declare const isOffline: () => boolean;
/** Listens to the browser's signals, where there is one; returns what ends it. */
export declare function watchNetwork(listeners: Record<string, () => unknown>): () => void;
