import { type RequestOptions } from "./deadline.mjs";
import type { Resolved } from "./options.mjs";
import type { Answer } from "./types.mjs";
/**
 * Calls an action over HTTP. The method is POST unless the parameter `httpMethod` says
 * otherwise; GET carries the parameters in the address.
 */
export declare function httpAction({ url, api, fetch }: Resolved, { httpMethod, ...params }: Record<string, any>, limits: RequestOptions): Promise<Answer>;
