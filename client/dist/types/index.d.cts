/**
 * The client, with all engines, for a server that speaks JSON.
 *
 * @module stellar-client
 */
import { Client } from "./client.cjs";
import type { ClientOptions } from "./options.cjs";
import type { AnyActions } from "./types.cjs";
/** A client that speaks JSON. */
export declare class StellarClient<Actions = AnyActions, Events = {}> extends Client<Actions, Events> {
    /**
     * Makes a client; it connects when told to. `transport` is the option of this name, where
     * earlier releases took it.
     */
    constructor(options?: ClientOptions | string, transport?: unknown);
}
/**
 * Makes a client. `Actions` says which there are: what a server prints as its types. `Events` says
 * what data the events of rooms have.
 */
export declare const createClient: <Actions = AnyActions, Events = {}>(options?: ClientOptions | string) => StellarClient<Actions, Events>;
/** The name that later releases use for {@link StellarClient}. */
export { StellarClient as Stellar, StellarClient as default };
export * from "./public.cjs";
