import type { Connect } from "./transport.mjs";
/** The `ws` engine: a payload is one text or binary WebSocket frame. */
export declare const ws: Connect;
