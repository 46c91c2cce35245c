import type { Refusal } from "./transport";

/**
 * Returns the refusal in an HTTP response, if the server sent one.
 *
 * A status without the server's body may come from a proxy; then a retry can succeed.
 */
export async function refusalOf(response: Response): Promise<Refusal | undefined> {
  const { status } = response;
  if (status !== 401 && status !== 403) return;
  const body = await response.json().catch(() => null);
  return body?.error && { status, message: String(body.error) };
}
