import { listen, name, type Adapter } from "./adapter";

/** Wraps a socket of engine.io-client. */
export const engineIoSocket: Adapter = (socket, events) => {
  // `readyState` is a number in every other library.
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
