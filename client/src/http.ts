import { watch, type RequestOptions } from "./deadline";
import { serverError, StellarError } from "./errors";
import type { Resolved } from "./options";
import type { Answer } from "./types";
import { asJson, invalid } from "./values";

/**
 * Calls an action over HTTP.
 *
 * The parameter `httpMethod` sets the method; the default is POST. GET sends the parameters in the
 * query.
 */
export async function httpAction(
  { url, api, fetch }: Resolved,
  { httpMethod = "POST", ...params }: Record<string, any>,
  limits: RequestOptions,
): Promise<Answer> {
  if (typeof params.action !== "string") throw invalid("action must be a string");
  const [fields, body] = asJson(params);
  const method = String(httpMethod).toUpperCase();
  if (!/^(GET|POST|PUT|PATCH|DELETE)$/.test(method)) throw invalid(`No method ${method}`);
  const get = method === "GET";
  const address = new URL(api, url);
  if (get) {
    for (const [name, value] of Object.entries(fields)) {
      if (value === null) continue;
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      address.searchParams.set(name, text);
    }
  }
  const controller = new AbortController();
  let failure: any;
  const release = watch(limits, (error) => controller.abort((failure = error)));
  if (!release) throw failure;
  let status = 0;
  try {
    const response = await fetch!(address.href, {
      method,
      signal: controller.signal,
      ...(!get && { body, headers: { "content-type": "application/json" } }),
    });
    status = response.status;
    const answer = await response.json();
    if (answer?.error == null && status < 400) return answer;
    failure = serverError(answer?.error ?? `HTTP ${status}`, answer);
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
    release();
  }
  failure.status = status;
  throw failure;
}
