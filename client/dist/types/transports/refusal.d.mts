import type { Refusal } from "./transport.mjs";
/**
 * The refusal that an HTTP answer is, if it is the server's: a status alone may come from
 * anything on the way, and then trying again can help.
 */
export declare function refusalOf(response: Response): Promise<Refusal | undefined>;
