import type { load as Load } from "./load";

// Bundlers tolerate a missing package here, because the failure is caught.
export const load: typeof Load = async (failed) => {
  try {
    return (await import("ws")).WebSocket;
  } catch (error) {
    return failed(error);
  }
};
