// What the tests share: a server as a process, clients, and waiting.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const profile = process.env.PROFILE ?? "release";
const limit = 30_000;

/** Starts the echo server of the transport layer; it ends with the test. Gives its URL. */
export const echo = (test, ...args) => start(test, "example-socketio", args);

/** Starts the demo with this engine. */
export const chat = (test, ...args) => start(test, "chat", ["--transport", "socket.io", ...args]);

async function start(test, name, args) {
  const command = join(target, profile, name);
  const child = spawn(command, ["--listen", "127.0.0.1:0", ...args]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  }
  child.on("error", (error) => (output += error));
  test.after(async () => {
    if (child.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    assert.doesNotMatch(output, /panicked/);
  });
  const address = () => output.match(/127\.0\.0\.1:\d+/)?.[0];
  await until(() => address() || child.exitCode !== null, `${command} to listen`);
  assert.ok(address(), output);
  return `http://${address()}`;
}

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

/** The first events of a name, when there are so many. */
export async function heard(client, name, count = 1) {
  const found = () => client.received.filter((event) => event[0] === name);
  await until(() => found().length >= count, `${count} of ${name}`);
  return found().map((event) => event[1]);
}

/** Waits until a condition holds, and gives what it gave. */
export async function until(condition, what = String(condition)) {
  const end = Date.now() + limit;
  for (;;) {
    const value = condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`Waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits for an event, and gives its arguments. */
export function event(emitter, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Waited in vain for: ${name}`)), limit);
    emitter.once(name, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}
