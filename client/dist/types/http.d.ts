import { type RequestOptions } from "./deadline";
import { StellarError } from "./errors";
import type { Resolved } from "./options";
import type { Answer } from "./types";
/**
 * Calls an action over HTTP. The method is POST unless the parameter `httpMethod` says
 * otherwise; GET carries the parameters in the address.
 */
export declare function httpAction({ url, api, fetch }: Resolved, { httpMethod, ...params }: Record<string, any>, limits: RequestOptions): Promise<Answer>;
/**
 * Asks by HTTP why a connection did not open: the server's authorizer answers a plain
 * request as it answers an upgrade. Resolves with the refusal, or with nothing when the
 * server cannot be reached or does not refuse.
 */
export declare function probe({ fetch }: Resolved, url: URL): Promise<StellarError | void>;
