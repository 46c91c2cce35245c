import { batches, httpLine } from "./requests";
import { openSocket } from "./socket";
import type { Connect, TransportContext, TransportEvents } from "./transport";

const name = "sockjs";

/** The addresses of a new session. Its name is what the server knows it by, so nobody may guess it. */
function session({ url }: TransportContext): (end: string) => URL {
  const id = crypto.getRandomValues(new Uint32Array(4)).join("");
  return (end) => {
    const address = new URL(url);
    address.pathname = `${url.pathname.replace(/\/$/, "")}/000/${id}/${end}`;
    return address;
  };
}

/** Reads frames: a letter that tells the kind, and the rest. */
const reader = (events: TransportEvents) => (frame: any) => {
  const rest = frame[1] && frame[0] !== "h" && JSON.parse(frame.slice(1));
  if (frame[0] === "o") events.open();
  else if (frame[0] === "a") rest.forEach(events.data);
  else if (frame[0] === "c") events.close(rest[0], rest[1]);
};

const websocket: Connect = (context, events) => {
  const socket = openSocket(context, session(context)("websocket"), {
    data: reader(events),
    close: events.close,
  });
  return {
    name,
    way: "websocket",
    send: (payload) => socket.send(JSON.stringify([payload])),
    close: () => socket.close(),
  };
};

/** By requests: the server's answer goes on (`xhr_streaming`), or ends with the first frame (`xhr`). */
const http =
  (way: string): Connect =>
  (context, events) => {
    const address = session(context);
    const line = httpLine(context, events);
    const read = reader(events);
    const receive = (): Promise<void> =>
      line.ask(address(way), "", async (response) => {
        const body = response.body!.getReader();
        const text = new TextDecoder();
        for (let rest = "", part; !(part = await body.read()).done; ) {
          const lines = (rest += text.decode(part.value, { stream: true })).split("\n");
          rest = lines.pop()!;
          lines.forEach(read);
        }
        if (!line.ended()) void receive();
      });
    void receive();
    const write = batches(
      (batch) => line.ask(address("xhr_send"), JSON.stringify(batch)),
      () => 16384,
    );
    return { name, way, send: (payload) => write(payload as string), close: line.end };
  };

/** The `sockjs` engine: payloads are texts in frames. It has no way for bytes. */
export const sockjs: Connect[] = [websocket, http("xhr_streaming"), http("xhr")];
