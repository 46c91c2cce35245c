import type { Connect } from "./transport.cjs";
/** The `engine.io` engine, protocol 4: a payload is a message of it. */
export declare const engineio: Connect[];
