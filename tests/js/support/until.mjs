// Waiting for what is to happen. Nothing here waits for a time to pass: the limits are only there
// so that what never happens is told, and no working test comes near them.
const limit = 30_000;

/** Waits until a condition holds, and gives what it gave. `what` may be a function, asked in the end. */
export async function until(condition, what = String(condition)) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) {
      throw new Error(`Waited in vain for: ${typeof what === "function" ? what() : what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits for an event of anything with `once`, and gives its arguments. */
export function event(emitter, name, what = name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Waited in vain for: ${what}`)), limit);
    emitter.once(name, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

/** Gives the error that a promise rejects with. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not reject");
}
