import type { WebSocketClass } from "./transports/transport";

/**
 * Loads the package `ws` in a way that bundlers follow; `failed` gives what stands in for it. The
 * builds for Node have it, from `load.node.ts` and `load.require.ts`. Pages get nothing of `ws`.
 */
export const load:
  | ((failed: (cause: unknown) => WebSocketClass) => WebSocketClass | Promise<WebSocketClass>)
  | undefined = undefined;
