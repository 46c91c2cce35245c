// What the tests share: the echo server as a process, and waiting.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const profile = process.env.PROFILE ?? "release";
const limit = 30_000;

/** Starts the echo server; it ends with the test. Gives its URL. */
export async function echo(test, ...args) {
  const command = join(target, profile, "example-engineio");
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
  return `http://${address()}`;
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
