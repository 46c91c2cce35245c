import { hear } from "./socket";
import { whole } from "./socketio";
import type { Connect, Transport, TransportEvents } from "./transport";

const name = "own";
/** What ends a connection for good. */
const farewell = "primus::server::close";

/** Listeners of one connection of a socket that is used again for the next. */
function listen(socket: any, listeners: Record<string, (...args: any[]) => void>): () => void {
  for (const event in listeners) socket.on(event, listeners[event]);
  return () => {
    for (const event in listeners) socket.removeListener(event, listeners[event]);
  };
}

/** A socket of socket.io-client. When to try again is decided here, not there. */
function socketIo(socket: any, events: TransportEvents): Transport {
  const any = (event: string, message: unknown) => whole.test(event) && events.message(message);
  const ignore = listen(socket, {
    connect: () => events.open(),
    connect_error(error) {
      const { message } = error;
      // It stays inactive after what it takes for the server's word.
      events.close(1006, message, socket.active ? undefined : { message });
    },
    disconnect(reason) {
      if (reason === "io server disconnect") events.message(farewell);
      events.close(1006, reason);
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
}

/**
 * A client of Primus, which answers pings and misses them by itself. Whether a connection was lost
 * or ended is told by whether it would try again, so its strategies must be on.
 */
function primus(socket: any, events: TransportEvents): Transport {
  const ignore = listen(socket, {
    open: () => events.open(),
    data: (message) => events.message(message),
    // Not at once: its timer starts after this, and would go on when it is ended before.
    "reconnect scheduled": () => setTimeout(() => events.close(1006, "Connection lost")),
    end() {
      events.message(farewell);
    },
    error: () => {},
  });
  if (socket.readyState === 3) setTimeout(events.open);
  else socket.open();
  return {
    name,
    watched: true,
    send: (_, message) => socket.write(message),
    close() {
      ignore();
      socket.end();
    },
  };
}

/** A socket of engine.io-client. */
function engineIo(socket: any, events: TransportEvents): Transport {
  socket.binaryType = "arraybuffer";
  listen(socket, {
    open: () => events.open(),
    message: (data) => events.data(typeof data === "string" ? data : new Uint8Array(data)),
    close: (reason) => events.close(1006, reason),
    error: () => {},
  });
  return { name, send: (payload) => socket.send(payload), close: () => socket.close() };
}

/** A WebSocket, or what behaves like one: sockjs-client. */
function webSocket(socket: any, events: TransportEvents): Transport {
  hear(socket, events);
  return { name, send: (payload) => socket.send(payload), close: () => socket.close() };
}

/**
 * Connects over sockets of other libraries. A function makes a new one for every attempt; a
 * socket of socket.io-client or Primus can itself be used again.
 */
export const own =
  (given: any): Connect =>
  (_, events) => {
    const socket = typeof given === "function" ? given() : given;
    if (socket.onAny) return socketIo(socket, events);
    if (socket.write && socket.end) return primus(socket, events);
    // Elsewhere it is a number.
    return (typeof socket.readyState === "string" ? engineIo : webSocket)(socket, events);
  };
