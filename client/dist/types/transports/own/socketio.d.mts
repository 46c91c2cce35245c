import { type Adapter } from "./adapter.mjs";
/** A socket of socket.io-client. When to try again is decided here, not there. */
export declare const socketIoSocket: Adapter;
