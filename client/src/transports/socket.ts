import type { Payload } from "../codec/codec";
import type { Transport, TransportContext } from "./transport";

/** The events of a WebSocket. */
export interface SocketEvents {
  open?(): void;
  data(payload: Payload): void;
  close(code: number, reason: string, refusal?: undefined, cause?: unknown): void;
}

/** Attaches listeners to an object with the interface of a WebSocket. */
function attach(socket: any, { open, data, close }: SocketEvents): void {
  socket.binaryType = "arraybuffer";
  socket.onopen = open;
  socket.onmessage = ({ data: payload }: { data: string | ArrayBuffer }) =>
    data(typeof payload === "string" ? payload : new Uint8Array(payload));
  let cause: any;
  // `close` follows this event. The event has an error everywhere but in browsers.
  socket.onerror = ({ error }: { error?: unknown }) => (cause = error);
  socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
    close(code, reason || String(cause ?? ""), undefined, cause);
}

/** Creates a WebSocket from a URL with the scheme `http` or `https`. */
export const makeSocket = (context: TransportContext): any =>
  new context.WebSocket!(context.url.href.replace("http", "ws"));

/** Returns a transport whose payloads are the unframed messages of a socket. */
export function plain(name: string, socket: any, events: SocketEvents): Transport {
  attach(socket, events);
  return { name, send: (payload) => socket.send(payload), close: () => socket.close() };
}

/** Opens a WebSocket. A message whose parser throws closes it. */
export function openSocket(
  context: TransportContext,
  url: URL,
  { data, close }: SocketEvents,
): any {
  const socket = makeSocket({ ...context, url });
  attach(socket, {
    data(payload) {
      try {
        data(payload);
      } catch (error) {
        close(1002, String(error), undefined, error);
      }
    },
    close,
  });
  return socket;
}
