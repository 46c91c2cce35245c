import type { ClientOptions } from "./options";
import type { WebSocketClass } from "./transports/transport";

/** What stands in where there is no WebSocket. Engines that have another way take that. */
class NoWebSocket {
  constructor() {
    throw new TypeError(
      "There is no WebSocket here, which Node has since 22. Install the package ws, give the " +
        "option WebSocket, or name an engine in transports that has other ways too",
    );
  }
}

/** The WebSocket of the package `ws`, where the application has it installed. */
function installed(): WebSocketClass | undefined {
  try {
    // Asked for in a way that no bundler follows: pages need none of it.
    const { createRequire } = (globalThis as any).process.getBuiltinModule("module");
    return createRequire(import.meta.url)("ws").WebSocket;
  } catch {
    return undefined;
  }
}

/** The options, with what this platform lacks. */
export function onThisPlatform(options: ClientOptions | string): ClientOptions {
  const given = typeof options === "string" ? { url: options } : options;
  if (!given.url && !globalThis.location) throw new TypeError("The option url is needed");
  if (given.WebSocket || (globalThis as any).WebSocket) return given;
  return { ...given, WebSocket: installed() ?? NoWebSocket };
}
