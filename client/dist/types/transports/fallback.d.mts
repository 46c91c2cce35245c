import type { Resolved } from "../options.mjs";
import type { Connect, Transports } from "./transport.mjs";
/**
 * An engine made of several: each attempt tries their ways in order until one leads to the server
 * and back, and the next attempt begins with that one. Nothing when none of them is here.
 */
export declare function fallback(options: Resolved, built: Transports): Connect | undefined;
