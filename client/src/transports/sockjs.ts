import { batches, httpRequests } from "./requests";
import { openSocket } from "./socket";
import type { Connect, TransportContext, TransportEvents } from "./transport";

const name = "sockjs";

/** Returns the URLs of a new session. Its name identifies the session and must be unguessable. */
function session({ url }: TransportContext): (end: string) => URL {
  const id = crypto.getRandomValues(new Uint32Array(4)).join("");
  return (end) => {
    const address = new URL(url);
    address.pathname = `${url.pathname.replace(/\/$/, "")}/000/${id}/${end}`;
    return address;
  };
}

/** Returns a parser of frames: a letter for the type, then the data. */
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

/** The HTTP transports. A response streams (`xhr_streaming`) or ends after one frame (`xhr`). */
const http =
  (way: string): Connect =>
  (context, events) => {
    const address = session(context);
    const requests = httpRequests(context, events);
    const read = reader(events);
    const receive = (): Promise<void> =>
      requests.request(address(way), "", async (response) => {
        const body = response.body!.getReader();
        const text = new TextDecoder();
        for (let rest = "", part; !(part = await body.read()).done; ) {
          const lines = (rest += text.decode(part.value, { stream: true })).split("\n");
          rest = lines.pop()!;
          lines.forEach(read);
        }
        if (!requests.ended()) void receive();
      });
    void receive();
    const write = batches(
      (batch) => requests.request(address("xhr_send"), JSON.stringify(batch)),
      () => 16384,
    );
    return { name, way, send: (payload) => write(payload as string), close: requests.end };
  };

/** The `sockjs` engine. Payloads are strings in frames; bytes are not supported. */
export const sockjs: Connect[] = [websocket, http("xhr_streaming"), http("xhr")];
