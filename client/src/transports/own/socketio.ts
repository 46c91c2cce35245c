import { isWhole } from "../socketio";
import { farewell, listen, name, type Adapter } from "./adapter";

/** A socket of socket.io-client. When to try again is decided here, not there. */
export const socketIoSocket: Adapter = (socket, events) => {
  if (!socket.onAny) return;
  const any = (event: string, message: unknown) => isWhole(event, message) && events.message(message);
  const ignore = listen(socket, {
    connect: () => events.open(),
    connect_error(error) {
      const { message } = error;
      // It stays inactive after what it takes for the server's word.
      events.close(1006, message, socket.active ? undefined : { message }, error);
    },
    disconnect(reason, details) {
      if (reason === "io server disconnect") events.message(farewell);
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
