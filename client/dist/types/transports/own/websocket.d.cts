import { type Adapter } from "./adapter.cjs";
/** A WebSocket, or what behaves like one: sockjs-client. */
export declare const ownWebSocket: Adapter;
