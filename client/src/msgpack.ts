/**
 * The same client for a server that speaks MessagePack.
 *
 * @module stellar-client/msgpack
 */
import { Client } from "./client";
import { msgpack } from "./codec/msgpack";
import { engines } from "./engines";
import type { ClientOptions } from "./options";
import { onThisPlatform } from "./platform";
import type { AnyActions } from "./types";

/** A client that speaks MessagePack. */
export class StellarClient<Actions = AnyActions, Events = {}> extends Client<Actions, Events> {
  /**
   * Makes a client; it connects when told to. `transport` is the option of this name, where
   * earlier releases took it.
   */
  constructor(options: ClientOptions | string = {}, transport?: unknown) {
    super(onThisPlatform(options), { codec: msgpack, ...engines }, transport);
  }
}

/**
 * Makes a client. `Actions` says which there are: what a server prints as its types. `Events` says
 * what data the events of rooms have.
 */
export const createClient = <Actions = AnyActions, Events = {}>(
  options?: ClientOptions | string,
): StellarClient<Actions, Events> => new StellarClient<Actions, Events>(options);

/** The name that later releases use for {@link StellarClient}. */
export { StellarClient as Stellar, StellarClient as default };
export * from "./public";
