import { openSocket } from "./socket";
import { refusalOf } from "./refusal";
import type { Connect } from "./transport";

/** The `ws` engine: a payload is one text or binary WebSocket frame. */
export const ws: Connect = (context, { open, data, close }) => {
  let opened = false;
  const socket = openSocket(context, context.url, {
    open() {
      opened = true;
      open();
    },
    data,
    close(code, reason) {
      const end = (refusal?: any) => close(code, reason, refusal);
      if (opened || !context.fetch) return end();
      // A socket does not say why it failed. The server's authorizer answers a plain request as
      // it answers an upgrade; no answer is a fault of the network.
      context
        .fetch(context.url.href, { credentials: "include", cache: "no-store" })
        .then(refusalOf)
        .then(end, () => end());
    },
  });
  return { name: "ws", send: (payload) => socket.send(payload), close: () => socket.close() };
};
