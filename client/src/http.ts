import { watch, type RequestOptions } from "./deadline";
import { serverError, StellarError } from "./errors";
import type { Resolved } from "./options";
import type { Answer } from "./types";

/**
 * Calls an action over HTTP. The method is POST unless the parameter `httpMethod` says
 * otherwise; GET carries the parameters in the address.
 */
export async function httpAction(
  { url, api, fetch }: Resolved,
  { httpMethod = "POST", ...params }: Record<string, any>,
  limits: RequestOptions,
): Promise<Answer> {
  const address = new URL(api, url);
  const method = httpMethod.toUpperCase();
  const get = method === "GET";
  // JSON leaves out what is undefined; so does this.
  if (get) for (const name in params) if (params[name] != null) address.searchParams.set(name, params[name]);
  const controller = new AbortController();
  const release = watch(limits, (error) => controller.abort(error));
  let status = 0;
  let failure: any;
  try {
    const response = await fetch!(address.href, {
      method,
      signal: controller.signal,
      ...(!get && {
        body: JSON.stringify(params),
        headers: { "content-type": "application/json" },
      }),
    });
    status = response.status;
    const body = await response.json();
    if (body?.error == null && status < 400) return body;
    failure = serverError(body?.error ?? `HTTP ${status}`, body);
  } catch (error: any) {
    failure =
      error instanceof StellarError
        ? error
        : new StellarError(
            status ? "http" : "offline",
            `HTTP ${status}: ${error.cause ?? error}`,
            true,
            error,
          );
    failure.mayHaveRun = true;
  } finally {
    release?.();
  }
  failure.status = status;
  throw failure;
}
