import type { Connect } from "../transport";
import type { Adapter } from "./adapter";
import { primus } from "./primus";

/**
 * Connects over sockets of other libraries.
 *
 * A function creates a new socket for every attempt. A socket of socket.io-client or Primus is
 * reused.
 */
export const ownSocket =
  (given: any, adapters: Adapter[]): Connect =>
  (_, events) => {
    const socket = typeof given === "function" ? given() : given;
    for (const adapter of [primus, ...adapters]) {
      const transport = adapter(socket, events);
      if (transport) return transport;
    }
    throw new TypeError("No engine for this socket here");
  };
