// engine.io-client, and the three ways by which it connects.
import { event } from "./until.mjs";

export const ways = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

/** A client that is open, and a list of what it gets. It ends with the test. */
export async function connect(test, url, transports, Client, options = {}) {
  const client = new Client(url, { transports, ...options });
  test.after(() => client.close());
  client.received = [];
  client.on("message", (data) => client.received.push(data));
  client.on("close", (reason) => (client.ended = reason));
  await event(client, "open");
  return client;
}
