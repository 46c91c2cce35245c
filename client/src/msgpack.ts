/**
 * The client with all engines, for a server with the MessagePack codec.
 *
 * @module stellar-client/msgpack
 */
import { Client } from "./client";
import { msgpack } from "./codec/msgpack";
import { engines } from "./engines";
import type { ClientOptions } from "./options";
import { onThisPlatform } from "./platform";
import type { AnyActions } from "./types";

/** A client with the MessagePack codec. */
export class StellarClient<Actions = AnyActions, Events = {}> extends Client<Actions, Events> {
  /**
   * Creates a client. Call {@link connect} to connect it.
   *
   * `transport` is the option of that name, for compatibility with earlier releases.
   */
  constructor(options: ClientOptions | string = {}, transport?: unknown) {
    super(onThisPlatform(options), { codec: msgpack, ...engines }, transport);
  }
}

/**
 * Creates a client.
 *
 * `Actions` declares the server's actions; the server prints such a type. `Events` declares the
 * data of room events.
 */
export const createClient = <Actions = AnyActions, Events = {}>(
  options?: ClientOptions | string,
): StellarClient<Actions, Events> => new StellarClient<Actions, Events>(options);

/** The name of {@link StellarClient} in later releases. */
export { StellarClient as Stellar, StellarClient as default };
export * from "./public";
