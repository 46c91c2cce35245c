import type { Refusal } from "./transport";

/**
 * The refusal that an HTTP answer is, if it is the server's: a status alone may come from
 * anything on the way, and then trying again can help.
 */
export async function refusalOf(response: Response): Promise<Refusal | undefined> {
  const { status } = response;
  if (status !== 401 && status !== 403) return;
  const body = await response.json().catch(() => null);
  return body?.error && { status, message: String(body.error) };
}
