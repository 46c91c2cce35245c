import type { Payload } from "../codec/codec";
import { batches, httpRequests } from "./requests";
import { openSocket } from "./socket";
import type { Connect, TransportContext, TransportEvents } from "./transport";

const name = "engine.io";
/** Separates packets in a body. */
const separator = "\x1e";

function address({ url }: TransportContext, transport: string): URL {
  const address = new URL(url);
  address.pathname = url.pathname.replace(/\/?$/, "/");
  address.searchParams.set("EIO", "4");
  address.searchParams.set("transport", transport);
  return address;
}

/** The data of the open packet. */
interface Open {
  sid: string;
  maxPayload: number;
}

/** Returns a parser of packets: a digit for the type, then the data. Bytes are a message. */
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

/** The WebSocket transport, without an upgrade. */
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

/** The polling transport: one pending request that receives, and sequential requests that send. */
const polling: Connect = (context, events) => {
  // Called without a receiver: a browser's fetch rejects any other `this`.
  const { fetch } = context;
  const url = address(context, "polling");
  const http = httpRequests(context, events);
  let limit = 0;
  const write = batches(
    (batch) => http.request(url, batch.join(separator)),
    () => limit,
  );
  const read = reader(events, write, ({ sid, maxPayload }) => {
    url.searchParams.set("sid", sid);
    // The limit is in bytes. A UTF-16 code unit takes at most three bytes in UTF-8.
    limit = Math.min(maxPayload / 3, 65536);
  });
  const poll = (): Promise<void> =>
    http.request(url, null, async (response) => {
      (await response.text()).split(separator).forEach(read);
      if (!http.ended()) void poll();
    });
  void poll();
  return {
    name,
    way: "polling",
    send: (payload) =>
      write(
        typeof payload === "string"
          ? "4" + payload
          : // One byte at a time, because the number of arguments is limited.
            "b" + btoa(payload.reduce((text, byte) => text + String.fromCharCode(byte), "")),
      ),
    close() {
      http.end();
      // The server notices an aborted poll, but there may be none pending.
      const body = "1";
      if (limit) fetch!(url.href, { method: "POST", body, keepalive: true }).catch(() => {});
    },
  };
};

/** The `engine.io` engine, protocol 4. A payload is a message packet. */
export const engineio: Connect[] = [websocket, polling];
