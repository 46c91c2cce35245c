import type { Transport, TransportEvents } from "../transport";

/** Wraps a socket of another library, or returns a falsy value for other kinds of sockets. */
export type Adapter = (socket: any, events: TransportEvents) => Transport | false | undefined;

/** The name of transports with a socket of another library. */
export const name = "own";

/** The message with which the server closes a connection permanently. */
export const serverClose = "primus::server::close";

/** Adds listeners to a socket. Returns a function that removes them, so that it can be reused. */
export function listen(
  socket: any,
  listeners: Record<string, (...args: any[]) => void>,
): () => void {
  for (const event in listeners) socket.on(event, listeners[event]);
  return () => {
    for (const event in listeners) socket.removeListener(event, listeners[event]);
  };
}
