import { StellarError } from "./errors";
import { load } from "./load";
import type { ClientOptions } from "./options";
import type { WebSocketClass } from "./transports/transport";
import { invalid } from "./values";

/** Stands in for a WebSocket that is missing. Engines that have another way take that. */
function missing(cause: any): WebSocketClass {
  const [reason] = String(cause?.message ?? cause).split("\n");
  return class {
    constructor() {
      throw new StellarError(
        "unsupported",
        `There is no WebSocket here, which Node has since 22, and the package ws gave none: ${reason}. ` +
          "Install the package ws, give the option WebSocket, or name an engine in transports that " +
          "has other ways too",
        false,
        cause,
      );
    }
  };
}

/** Asks for the package `ws` at run time; `cause` is why it is not there otherwise. */
function find(cause?: unknown): WebSocketClass {
  try {
    // In a way that no bundler follows: pages need none of it.
    const { createRequire } = (globalThis as any).process.getBuiltinModule("module");
    return createRequire(import.meta.url)("ws").WebSocket;
  } catch (error) {
    return missing(cause ?? error);
  }
}

/** The options, with what this platform lacks. */
export function onThisPlatform(options: ClientOptions | string): ClientOptions {
  const given = typeof options === "string" ? { url: options } : options;
  if (!given?.url && !globalThis.location) throw invalid("The option url is needed");
  if (given?.WebSocket || (globalThis as any).WebSocket) return given;
  return { ...given, WebSocket: load ? load(find) : find() };
}
