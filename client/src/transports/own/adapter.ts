import type { Transport, TransportEvents } from "../transport";

/** Makes a connection of a socket of another library, if it is one of those that this is for. */
export type Adapter = (socket: any, events: TransportEvents) => Transport | false | undefined;

/** The name of every such connection. */
export const name = "own";

/** What ends a connection for good. */
export const farewell = "primus::server::close";

/** Listeners of one connection of a socket that is used again for the next. */
export function listen(
  socket: any,
  listeners: Record<string, (...args: any[]) => void>,
): () => void {
  for (const event in listeners) socket.on(event, listeners[event]);
  return () => {
    for (const event in listeners) socket.removeListener(event, listeners[event]);
  };
}
