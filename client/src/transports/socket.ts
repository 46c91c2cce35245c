import type { Payload } from "../codec/codec";
import type { TransportContext } from "./transport";

/** What becomes of a WebSocket. */
export interface SocketEvents {
  open?(): void;
  data(payload: Payload): void;
  close(code: number, reason: string): void;
}

/** Hears a socket that behaves as a WebSocket does. A message that cannot be read ends it. */
export function hear(socket: any, { open, data, close }: SocketEvents): void {
  socket.binaryType = "arraybuffer";
  socket.onopen = () => open?.();
  socket.onmessage = (message: { data: string | ArrayBuffer }) => {
    try {
      data(typeof message.data === "string" ? message.data : new Uint8Array(message.data));
    } catch (error) {
      close(1002, String(error));
    }
  };
  // Tells nothing that `close`, which follows it, does not tell; some classes throw if unheard.
  socket.onerror = () => {};
  socket.onclose = (event: any) => close(event.code, event.reason);
}

/** Opens a WebSocket to an address whose scheme is http or https. */
export function openSocket(
  { WebSocket }: TransportContext,
  url: URL,
  events: SocketEvents,
): any {
  if (!WebSocket) throw new TypeError("The option WebSocket is needed");
  const socket = new WebSocket(url.href.replace("http", "ws"));
  hear(socket, events);
  return socket;
}
