import { Client } from "./client";
import { json } from "./codec/json";
import type { ClientOptions } from "./options";
import { ws } from "./transports/ws";

/** A client that speaks JSON. */
export class StellarClient extends Client {
  /** Makes a client; it connects when told to. */
  constructor(options: ClientOptions | string = {}) {
    super(options, { codec: json, transports: { ws } });
  }
}

/** The name that later releases use for {@link StellarClient}. */
export { StellarClient as Stellar, StellarClient as default };
export * from "./public";
