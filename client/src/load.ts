import type { WebSocketClass } from "./transports/transport";

/**
 * Loads the package `ws` with an import that bundlers resolve; `failed` returns a substitute.
 *
 * Only the builds for Node define it, in `load.node.ts` and `load.require.ts`. Builds for pages do
 * not include `ws`.
 */
export const load:
  | ((failed: (cause: unknown) => WebSocketClass) => WebSocketClass | Promise<WebSocketClass>)
  | undefined = undefined;
