import type { Client } from "../../src/client";
import type { AnyEvents } from "../../src/types";

/** Waits until a condition holds; fails after a time that no working test comes near. */
export async function until(condition: () => unknown, what = String(condition)): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`Waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Waits for an event of a client and gives its arguments. */
export function event(client: Pick<Client<any, AnyEvents>, "once">, name: string): Promise<any[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Waited in vain for: ${name}`)), 10_000);
    client.once(name, (...args: any[]) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

/** Gives the error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<any> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not reject");
}
