import type { load as Load } from "./load";

export const load: typeof Load = (failed) => {
  try {
    return require("ws").WebSocket;
  } catch (error) {
    return failed(error);
  }
};
