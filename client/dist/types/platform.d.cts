import type { ClientOptions } from "./options.cjs";
/** The options, with what this platform lacks. */
export declare function onThisPlatform(options: ClientOptions | string): ClientOptions;
