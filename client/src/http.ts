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
  for (const name in get ? params : { action: 0 }) address.searchParams.set(name, params[name]);
  const controller = new AbortController();
  let failure: StellarError | undefined;
  const release = watch(limits, (error) => {
    failure = error;
    controller.abort();
  });
  let status = 0;
  let body: any;
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
    body = await response.json();
  } catch (error) {
    failure ??= status
      ? new StellarError("http", `HTTP ${status}: ${error}`)
      : new StellarError("offline", `Server not reachable: ${error}`);
    failure.status = status;
    failure.mayHaveRun = true;
    throw failure;
  } finally {
    release();
  }
  if (body?.error == null && status < 400) return body;
  failure = serverError(body?.error ?? `HTTP ${status}`, body);
  failure.status = status;
  throw failure;
}

/**
 * Asks by HTTP why a connection did not open: the server's authorizer answers a plain
 * request as it answers an upgrade. Resolves with the refusal, or with nothing when the
 * server cannot be reached or does not refuse.
 */
export async function probe({ fetch }: Resolved, url: URL): Promise<StellarError | void> {
  try {
    const response = await fetch!(url.href, { credentials: "include", cache: "no-store" });
    if (response.status !== 401 && response.status !== 403) return;
    const body = await response.json().catch(() => null);
    const refusal = new StellarError("refused", String(body?.error ?? "Refused"));
    refusal.status = response.status;
    return refusal;
  } catch {
    // No answer: a fault of the network, not a refusal.
  }
}
