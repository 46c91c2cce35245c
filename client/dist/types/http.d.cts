import { type RequestOptions } from "./deadline.cjs";
import type { Resolved } from "./options.cjs";
import type { Answer } from "./types.cjs";
/**
 * Calls an action over HTTP. The method is POST unless the parameter `httpMethod` says
 * otherwise; GET carries the parameters in the address.
 */
export declare function httpAction({ url, api, fetch }: Resolved, { httpMethod, ...params }: Record<string, any>, limits: RequestOptions): Promise<Answer>;
