import type { Listener } from "../../emitter";
import { name, type Adapter } from "./adapter";

/**
 * A client of Primus, which answers pings and misses them by itself. Whether a connection was lost
 * or ended is told by whether it would try again, so its strategies must be on.
 */
export const primus: Adapter = (socket, { open, message, close }) => {
  if (!socket.end) return;
  let cause: any;
  const listeners: Record<string, Listener> = {
    open,
    error: (error) => (cause = error),
    data: message,
    // Not at once: its timer starts after this, and would go on when it is ended before.
    "reconnect scheduled": () => setTimeout(() => close(1006, String(cause ?? "lost"), undefined, cause)),
    end: () => message("primus::server::close"),
  };
  const each = (verb: "on" | "removeListener") => {
    for (const event in listeners) socket[verb](event, listeners[event]);
  };
  each("on");
  if (socket.readyState === 3) setTimeout(open);
  else socket.open();
  return {
    name,
    watched: true,
    send: (_, message) => socket.write(message),
    close() {
      each("removeListener");
      socket.end();
    },
  };
};
