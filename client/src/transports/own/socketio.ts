import { isMessage } from "../socketio";
import { serverClose, listen, name, type Adapter } from "./adapter";

/** Wraps a socket of socket.io-client. The client reconnects, not the socket. */
export const socketIoSocket: Adapter = (socket, events) => {
  if (!socket.onAny) return;
  const any = (event: string, message: unknown) =>
    isMessage(event, message) && events.message(message);
  const ignore = listen(socket, {
    connect: () => events.open(),
    connect_error(error) {
      const { message } = error;
      // The socket stays inactive after a refusal by the server.
      events.close(1006, message, socket.active ? undefined : { message }, error);
    },
    disconnect(reason, details) {
      if (reason === "io server disconnect") events.message(serverClose);
      events.close(1006, reason, undefined, details);
    },
  });
  socket.onAny(any);
  if (socket.connected) setTimeout(events.open);
  else socket.connect();
  return {
    name,
    send: (_, message) => socket.emit("message", message),
    close() {
      ignore();
      socket.offAny(any);
      socket.disconnect();
    },
  };
};
