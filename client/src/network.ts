/** True when the browser says that there is no network. It is often wrong when it says there is. */
export const isOffline = (): boolean => globalThis.navigator?.onLine === false;

/** Listens to the browser's signals, where there is one; returns what ends it. */
export function watchNetwork(listeners: Record<string, () => unknown>): () => void {
  const each = (verb: "addEventListener" | "removeEventListener") => {
    for (const event in listeners) globalThis[verb]?.(event, listeners[event]!);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
