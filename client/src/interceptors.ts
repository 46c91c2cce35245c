import type { Answer } from "./types";

/**
 * The continuation of an interceptor:
 * - `next()` continues with the request
 * - `next(answer)` resolves the call without the server
 * - `next(null, error)` rejects the call
 * - `next(change)` continues; `change` receives the response or the error before the caller
 */
export type Next = (
  result?: Record<string, unknown> | ((answer: any) => void) | null,
  error?: unknown,
) => void;

/**
 * A function that inspects or changes an action's parameters before they are sent.
 *
 * `this` is the client. An exception rejects the call, as `reject` does.
 */
export type Interceptor = (
  this: any,
  params: Record<string, any>,
  next: Next,
  reject: (error: unknown) => void,
) => unknown;

/** Runs the interceptors, last added first, and then the request. */
export function intercept(
  client: { interceptors: Interceptor[] },
  params: Record<string, any>,
  request: () => Promise<Answer>,
): Promise<Answer> {
  const waiting = [...client.interceptors];
  const changes: ((answer: any) => void)[] = [];
  const pass = (result: any) => {
    for (const change of changes) change(result);
    return result;
  };
  return new Promise<Answer>((resolve, reject) => {
    const next: Next = (result, error) => {
      if (error != null) return reject(error);
      if (typeof result === "function") changes.unshift(result);
      else if (result) return resolve(result);
      void step();
    };
    const step = async () => {
      try {
        const interceptor = waiting.pop();
        if (interceptor) await interceptor.call(client, params, next, reject);
        else resolve(await request());
      } catch (error) {
        reject(error);
      }
    };
    void step();
  }).then(pass, (error) => {
    throw pass(error);
  });
}
