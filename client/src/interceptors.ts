import type { Answer } from "./types";

/**
 * What an interceptor calls when it is done:
 * - `next()` goes on with the request
 * - `next(answer)` answers it without the server
 * - `next(null, error)` rejects it
 * - `next(change)` goes on, and `change` gets the answer (or the error) before the caller
 */
export type Next = (
  result?: Record<string, unknown> | ((answer: any) => void) | null,
  error?: unknown,
) => void;

/** Sees an action's parameters before they are sent; may change them. */
export type Interceptor = (params: Record<string, any>, next: Next) => void;

/** Runs the interceptors, the one added last first, and then the request. */
export function intercept(
  interceptors: Interceptor[],
  params: Record<string, any>,
  request: () => Promise<Answer>,
): Promise<Answer> {
  const waiting = [...interceptors];
  const changes: ((answer: any) => void)[] = [];
  const pass = (result: any) => {
    for (const change of changes) change(result);
    return result;
  };
  return new Promise<Answer>((resolve, reject) => {
    const step = () => {
      const interceptor = waiting.pop();
      if (!interceptor) return request().then(resolve, reject);
      return interceptor(params, (result, error) => {
        if (error != null) return reject(error);
        if (typeof result === "function") changes.unshift(result);
        else if (result) return resolve(result);
        void step();
      });
    };
    void step();
  }).then(pass, (error) => {
    throw pass(error);
  });
}
