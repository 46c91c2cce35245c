import { Client } from "./client";
import type { ClientOptions } from "./options";
/** A client that speaks JSON. */
export declare class StellarClient extends Client {
    /** Makes a client; it connects when told to. */
    constructor(options?: ClientOptions | string);
}
/** The name that later releases use for {@link StellarClient}. */
export { StellarClient as Stellar, StellarClient as default };
export * from "./public";
