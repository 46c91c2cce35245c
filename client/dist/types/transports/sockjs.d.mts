import type { Connect } from "./transport.mjs";
/** The `sockjs` engine: payloads are texts in frames. It has no way for bytes. */
export declare const sockjs: Connect[];
