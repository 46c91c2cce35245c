import type { load as Load } from "./load";

// A bundler that does not find the package goes on, because a failure is caught here.
export const load: typeof Load = async (failed) => {
  try {
    return (await import("ws")).WebSocket;
  } catch (error) {
    return failed(error);
  }
};
