// sockjs-client and Primus's client over it, and the ways by which they connect from Node.
import { request } from "node:http";
import { createRequire } from "node:module";
import SockJS from "sockjs-client";
import { event, until } from "./until.mjs";

export const ways = ["websocket", "xhr-streaming", "eventsource", "xhr-polling"];

// How long it tries a way before it takes the next. By itself it takes some round trips, which are
// short here, and the machine may be busy.
const timeout = 30_000;

/** A client that is about to connect. `received` is what it gets, `ended` its end. */
export function open(test, url, transports = ways, options = {}) {
  const client = new SockJS(url, null, { transports, timeout, ...options });
  test.after(() => client.close());
  client.received = [];
  client.heartbeats = 0;
  client.onmessage = ({ data }) => client.received.push(data);
  client.onheartbeat = () => client.heartbeats++;
  client.onclose = ({ code, reason, wasClean }) => (client.ended = { code, reason, wasClean });
  return client;
}

/** A client that is open. */
export async function connect(test, url, transports, options) {
  const client = open(test, url, transports, options);
  await until(() => client.readyState !== SockJS.CONNECTING, "to connect");
  if (client.readyState !== SockJS.OPEN) throw new Error(JSON.stringify(client.ended));
  return client;
}

/** The end of a client, which must come. */
export const ended = (client) => until(() => client.ended, "the end");

const Primus = createRequire(import.meta.url)("primus8");
const Socket = Primus.createSocket({ transformer: "sockjs", parser: "json" });

/** Primus's own client over it, open, and a list of what it gets. */
export async function connectPrimus(test, url, transports = ways, options = {}) {
  const client = new Socket(url, {
    reconnect: { min: 10, max: 100, retries: Infinity },
    transport: { transports, timeout },
    ...options,
  });
  test.after(() => client.end());
  client.received = [];
  // Primus makes its values in a context of its own; here they are compared with ours.
  client.on("data", (data) => client.received.push(structuredClone(data)));
  client.on("error", () => {});
  await event(client, "open");
  return client;
}

/** One request by hand. */
export function ask(url, { method = "GET", headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, headers, agent: false }, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (part) => (text += part));
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, text }),
      );
      response.on("error", reject);
    });
    asking.on("error", reject);
    asking.end(body);
  });
}
