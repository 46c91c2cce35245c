import { refusalOf } from "./refusal";
import { makeSocket, plain } from "./socket";
import type { Connect } from "./transport";

/** The `ws` engine: a payload is one text or binary WebSocket frame. */
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
      // A socket does not say why it failed. The server's authorizer answers a plain request as
      // it answers an upgrade; no answer is a fault of the network.
      fetch(url.href, { credentials: "include", cache: "no-store" })
        .then(refusalOf)
        .then(end, (error) => end(undefined, error));
    },
  });
};
