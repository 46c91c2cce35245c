import type { Connect } from "./transport";

/** The `ws` engine: a payload is one text or binary WebSocket frame. */
export const ws: Connect = ({ url, WebSocket }, events) => {
  if (!WebSocket) throw new TypeError("The option WebSocket is needed");
  const address = new URL(url);
  address.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(address.href);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => events.open();
  socket.onmessage = ({ data }: { data: string | ArrayBuffer }) =>
    events.data(typeof data === "string" ? data : new Uint8Array(data));
  // Tells nothing that `close`, which follows it, does not tell; some classes throw if unheard.
  socket.onerror = () => {};
  socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
    events.close(code, reason);
  return {
    name: "ws",
    send: (payload) => socket.send(payload),
    close: () => socket.close(),
  };
};
