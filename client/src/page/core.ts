import { Client } from "../client";
import { json } from "../codec/json";
import { StellarError } from "../errors";
import type { ClientOptions } from "../options";

class StellarClient extends Client {
  constructor(options: ClientOptions | string = {}, transport?: unknown) {
    super(options, { codec: json, ...$parts }, transport);
  }
}

// Includes the names that later releases use.
Object.assign($target, {
  StellarClient,
  Stellar: StellarClient,
  StellarError,
});
