/** Returns `true` if the browser reports no network. Its reports of a network are unreliable. */
export const isOffline = (): boolean => globalThis.navigator?.onLine === false;

/** Listens to network events of the browser, if any. Returns a function that stops listening. */
export function watchNetwork(listeners: Record<string, () => unknown>): () => void {
  const each = (verb: "addEventListener" | "removeEventListener") => {
    for (const event in listeners) globalThis[verb]?.(event, listeners[event]!);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
