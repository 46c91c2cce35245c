import type { Payload } from "../codec/codec";
import { batches, httpLine } from "./requests";
import { openSocket } from "./socket";
import type { Connect, TransportContext, TransportEvents } from "./transport";

const name = "engine.io";
/** Stands between packets in one body. */
const separator = "\x1e";

function address({ url }: TransportContext, transport: string): URL {
  const address = new URL(url);
  address.pathname = url.pathname.replace(/\/?$/, "/");
  address.searchParams.set("EIO", "4");
  address.searchParams.set("transport", transport);
  return address;
}

/** What a session is opened with. */
interface Open {
  sid: string;
  maxPayload: number;
}

/** Reads packets: a digit that tells the kind, and the rest; bytes are a message. */
const reader =
  (events: TransportEvents, write: (packet: string) => void, opened?: (open: Open) => void) =>
  (packet: Payload): void => {
    if (typeof packet !== "string") return events.data(packet);
    const rest = packet.slice(1);
    switch (packet[0]) {
      case "0":
        opened?.(JSON.parse(rest));
        return events.open();
      case "1":
        return events.close(1000, "");
      case "2":
        return write("3" + rest);
      case "4":
        return events.data(rest);
      case "b":
        return events.data(Uint8Array.from(atob(rest), (char) => char.charCodeAt(0)));
    }
  };

/** Over a WebSocket from the beginning. */
const websocket: Connect = (context, events) => {
  const socket = openSocket(context, address(context, "websocket"), {
    data: reader(events, (packet) => socket.send(packet)),
    close: events.close,
  });
  return {
    name,
    way: "websocket",
    send: (payload) => socket.send(typeof payload === "string" ? "4" + payload : payload),
    close: () => socket.close(),
  };
};

/** By requests alone: one that waits for what comes, and one at a time with what goes. */
const polling: Connect = (context, events) => {
  // By itself: that of a browser is nobody's method.
  const { fetch } = context;
  const url = address(context, "polling");
  const line = httpLine(context, events);
  let most = 0;
  const write = batches(
    (batch) => line.ask(url, batch.join(separator)),
    () => most,
  );
  const read = reader(events, write, ({ sid, maxPayload }) => {
    url.searchParams.set("sid", sid);
    // It is counted in bytes, of which a character has three at most.
    most = Math.min(maxPayload / 3, 65536);
  });
  const poll = (): Promise<void> =>
    line.ask(url, null, async (response) => {
      (await response.text()).split(separator).forEach(read);
      if (!line.ended()) void poll();
    });
  void poll();
  return {
    name,
    way: "polling",
    send: (payload) =>
      write(
        typeof payload === "string"
          ? "4" + payload
          : // Not all at once: arguments are limited.
            "b" + btoa(payload.reduce((text, byte) => text + String.fromCharCode(byte), "")),
      ),
    close() {
      line.end();
      // The server sees a poll break off, but may be between two of them.
      const body = "1";
      if (most) fetch!(url.href, { method: "POST", body, keepalive: true }).catch(() => {});
    },
  };
};

/** The `engine.io` engine, protocol 4: a payload is a message of it. */
export const engineio: Connect[] = [websocket, polling];
