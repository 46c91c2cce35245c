import type { Connect } from "../transport";
import type { Adapter } from "./adapter";
import { primus } from "./primus";

/**
 * Connects over sockets of other libraries. A function makes a new one for every attempt; a
 * socket of socket.io-client or Primus can itself be used again.
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
