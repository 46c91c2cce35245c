import type { Connect } from "./transport.cjs";
/** The `ws` engine: a payload is one text or binary WebSocket frame. */
export declare const ws: Connect;
