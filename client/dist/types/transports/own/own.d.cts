import type { Connect } from "../transport.cjs";
import type { Adapter } from "./adapter.cjs";
/**
 * Connects over sockets of other libraries. A function makes a new one for every attempt; a
 * socket of socket.io-client or Primus can itself be used again.
 */
export declare const ownSocket: (given: any, adapters: Adapter[]) => Connect;
