import type { ClientOptions } from "./options.mjs";
/** The options, with what this platform lacks. */
export declare function onThisPlatform(options: ClientOptions | string): ClientOptions;
