import type { Payload } from "../codec/codec";
import type { Transport, TransportContext } from "./transport";

/** What becomes of a WebSocket. */
export interface SocketEvents {
  open?(): void;
  data(payload: Payload): void;
  close(code: number, reason: string, refusal?: undefined, cause?: unknown): void;
}

/** Hears a socket that behaves as a WebSocket does. */
function hear(socket: any, { open, data, close }: SocketEvents): void {
  socket.binaryType = "arraybuffer";
  socket.onopen = open;
  socket.onmessage = ({ data: payload }: { data: string | ArrayBuffer }) =>
    data(typeof payload === "string" ? payload : new Uint8Array(payload));
  let cause: any;
  // `close` follows it. In browsers it says nothing, elsewhere what failed.
  socket.onerror = ({ error }: { error?: unknown }) => (cause = error);
  socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
    close(code, reason || String(cause ?? ""), undefined, cause);
}

/** Makes a WebSocket to an address whose scheme is http or https. */
export const makeSocket = (context: TransportContext): any =>
  new context.WebSocket!(context.url.href.replace("http", "ws"));

/** A connection whose payloads are the messages of a socket, as they are. */
export function plain(name: string, socket: any, events: SocketEvents): Transport {
  hear(socket, events);
  return { name, send: (payload) => socket.send(payload), close: () => socket.close() };
}

/** Opens a WebSocket whose messages are to be read. One that cannot be read ends it. */
export function openSocket(
  context: TransportContext,
  url: URL,
  { data, close }: SocketEvents,
): any {
  const socket = makeSocket({ ...context, url });
  hear(socket, {
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
