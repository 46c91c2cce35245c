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
export const isOffline = (): boolean => globalThis.navigator?.onLine === false;

/** Listens to the browser's signals; returns what ends it. */
export function watchNetwork({ online, offline, wake }: NetworkSignals): () => void {
  const visible = () => document.visibilityState === "visible" && wake();
  const each = (verb: "addEventListener" | "removeEventListener") => {
    globalThis[verb]?.("online", online);
    globalThis[verb]?.("offline", offline);
    globalThis.document?.[verb]("visibilitychange", visible);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
