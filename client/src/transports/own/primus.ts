import type { Listener } from "../../emitter";
import { name, type Adapter } from "./adapter";

/**
 * Wraps a Primus client, which handles pings itself.
 *
 * A lost connection differs from a closed one by the scheduled reconnect, so the client's reconnect
 * strategies must be enabled.
 */
export const primus: Adapter = (socket, { open, message, close }) => {
  if (!socket.end) return;
  let cause: any;
  const listeners: Record<string, Listener> = {
    open,
    error: (error) => (cause = error),
    data: message,
    // Deferred: the client starts its timer after this event, and ending it before would not stop
    // the timer.
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
