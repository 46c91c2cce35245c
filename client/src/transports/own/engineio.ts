import { listen, name, type Adapter } from "./adapter";

/** A socket of engine.io-client. */
export const engineIoSocket: Adapter = (socket, events) => {
  // That of others is a number.
  if (typeof socket.readyState !== "string") return;
  socket.binaryType = "arraybuffer";
  let cause: unknown;
  listen(socket, {
    open: () => events.open(),
    message: (data) => events.data(typeof data === "string" ? data : new Uint8Array(data)),
    close: (reason) => events.close(1006, reason, undefined, cause),
    error: (error) => (cause = error),
  });
  return { name, send: (payload) => socket.send(payload), close: () => socket.close() };
};
