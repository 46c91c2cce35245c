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
export const isOffline = (): boolean => globalThis.navigator?.onLine === false;

/** Listens to the browser's signals; returns what ends it. */
export function watchNetwork({ _online, _offline, _wake }: NetworkSignals): () => void {
  const visible = () => document.hidden || _wake();
  const each = (verb: "addEventListener" | "removeEventListener") => {
    globalThis[verb]?.("online", _online);
    globalThis[verb]?.("offline", _offline);
    globalThis.document?.[verb]("visibilitychange", visible);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
