// Primus's own client, unmodified, of the two generations whose heartbeats differ.
import { createRequire } from "node:module";
import { event } from "./until.mjs";

const require = createRequire(import.meta.url);
const generations = { 6: require("primus6"), 8: require("primus8") };
export const parsers = ["json", "msgpack"];
export const versions = Object.keys(generations);

const sockets = new Map();
/** The client that Primus makes for such a server. */
function socketOf(version, parser) {
  const key = `${version} ${parser}`;
  if (!sockets.has(key)) {
    sockets.set(key, generations[version].createSocket({ transformer: "websockets", parser }));
  }
  return sockets.get(key);
}

/** The script that Primus makes for pages. */
export function library(version) {
  const { EventEmitter } = require("node:events");
  const primus = new generations[version](new EventEmitter(), { transformer: "websockets" });
  const script = primus.library();
  // It is a server's, with timers of its own.
  primus.destroy({ close: false });
  return script;
}

/** A client that is open, and a list of what it gets. It ends with the test. */
export async function connect(test, version, parser, url, options = {}) {
  const client = new (socketOf(version, parser))(url, {
    reconnect: { min: 10, max: 100, retries: Infinity },
    ...options,
  });
  test.after(() => client.end());
  client.received = [];
  // Primus makes its values in a context of its own; here they are compared with ours.
  client.on("data", (data) => client.received.push(structuredClone(data)));
  // Told of as reconnects, which the tests look at.
  client.on("error", () => {});
  await event(client, "open");
  return client;
}
