// socket.io-client, and the ways by which it connects.
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";
import { event, until } from "./until.mjs";

export { ways } from "./engineio.mjs";

/** The server's parsers, and what the client needs for them. */
export const parsers = { json: {}, msgpack: { parser: msgpack } };

/** A client that is connected, with all events it has received. It ends with the test. */
export async function connect(test, url, options = {}, make = io) {
  const client = open(test, url, options, make);
  await event(client, "connect");
  return client;
}

/** A client that is about to connect. */
export function open(test, url, options = {}, make = io) {
  const client = make(url, { forceNew: true, reconnectionDelay: 20, ...options });
  test.after(() => client.disconnect());
  client.received = [];
  client.onAny?.((name, ...args) => client.received.push([name, ...args]));
  return client;
}

/** The first arguments of the events of a name, when there are so many. */
export async function heard(client, name, count = 1) {
  const found = () => client.received.filter((event) => event[0] === name);
  await until(() => found().length >= count, `${count} of ${name}`);
  return found().map((event) => event[1]);
}
