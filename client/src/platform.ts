import { StellarError } from "./errors";
import { load } from "./load";
import type { ClientOptions } from "./options";
import type { WebSocketClass } from "./transports/transport";
import { invalid } from "./values";

/** Returns a substitute for a missing WebSocket. Engines then use their HTTP transports. */
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

/** Loads the package `ws` at run time. `cause` is the error of an earlier attempt. */
function find(cause?: unknown): WebSocketClass {
  try {
    // Hidden from bundlers, because pages do not need the package.
    const { createRequire } = (globalThis as any).process.getBuiltinModule("module");
    return createRequire(import.meta.url)("ws").WebSocket;
  } catch (error) {
    return missing(cause ?? error);
  }
}

/** Returns the options, with a WebSocket class where the platform has none. */
export function onThisPlatform(options: ClientOptions | string): ClientOptions {
  const given = typeof options === "string" ? { url: options } : options;
  if (!given?.url && !globalThis.location) throw invalid("The option url is needed");
  if (given?.WebSocket || (globalThis as any).WebSocket) return given;
  return { ...given, WebSocket: load ? load(find) : find() };
}
