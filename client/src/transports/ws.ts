import { refusalOf } from "./refusal";
import { makeSocket, plain } from "./socket";
import type { Connect } from "./transport";

/** The `ws` engine. A payload is one text or binary WebSocket message. */
export const ws: Connect = (context, { open, data, close }) => {
  const { url, fetch } = context;
  let opened = false;
  return plain("ws", makeSocket(context), {
    open() {
      opened = true;
      open();
    },
    data,
    close(code, reason, _, cause) {
      const end = (refusal?: any, error?: unknown) => close(code, reason, refusal, cause ?? error);
      if (opened || !fetch) return end();
      // A WebSocket does not expose why it failed. A plain request gets the same refusal from the
      // server's authorizer as the upgrade; no response means a network failure.
      fetch(url.href, { credentials: "include", cache: "no-store" })
        .then(refusalOf)
        .then(end, (error) => end(undefined, error));
    },
  });
};
