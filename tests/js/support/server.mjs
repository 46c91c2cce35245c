// The server's programs as processes: started, killed, started again.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./until.mjs";

/** The folder of the whole project. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));
/** Where the programs and the results are. */
export const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts the demo. It ends when the test does. */
export const chat = (test, ...args) => Program.start(test, "chat", args);

/** Starts the echo server of the transport layer over one engine: ws, Engine.IO, Socket.IO. */
export const echo = (test, ...args) => Program.start(test, "example-ws", args);
export const engineio = (test, ...args) => Program.start(test, "example-engineio", args);
export const socketio = (test, ...args) => Program.start(test, "example-socketio", args);

/** Starts the echo servers over SockJS. */
export const sockjs = (test, ...args) => Program.start(test, "example-sockjs", args);

/** Starts the page with a client of every engine. */
export const everyEngine = (test, ...args) =>
  Program.start(test, "example-every-engine-in-one-room", args);

/** Starts the API that declares inputs of every kind. */
export const observatory = (test, ...args) => Program.start(test, "example-reference", args);

/** Starts the application of StellarFW's own tests. */
export const compat = (test, ...args) => Program.start(test, "examples/compat", args);

/** Starts a server in Node, of the official packages of an engine. */
export const nodeServer = (test, ...args) => {
  const script = join(root, "tests", "js", "matrix", "peers", "node", "server.mjs");
  return Program.run(test, process.execPath, [script], args);
};

class Program {
  /** What it wrote, on both outputs. */
  output = "";
  port = 0;
  /** What looks at it, and is to be closed before it ends with the test. */
  closers = [];

  static start(test, name, args) {
    return Program.run(test, join(target, "release", name), [], args);
  }

  static async run(test, command, first, args) {
    const program = new Program();
    program.command = command;
    program.first = first;
    program.args = args;
    test.after(async () => {
      for (const close of program.closers) await close();
      await program.kill();
      assert.doesNotMatch(program.output, /panicked/);
    });
    // Not one of the system's choice, which it could give to another while this one is down.
    program.port = await freePort();
    await program.restart();
    return program;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get ws() {
    return `ws://127.0.0.1:${this.port}/primus`;
  }

  /** Starts it again, at the address it had; `env` are variables besides the usual. */
  async restart(env = {}) {
    const { command, first, args, port } = this;
    const child = spawn(command, [...first, "--listen", `127.0.0.1:${port}`, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.child = child;
    running.add(child);
    let started = false;
    let failed;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        this.output += text;
        started ||= text.includes(`127.0.0.1:${port}`);
      });
    }
    child.on("error", (error) => (failed = error));
    child.on("exit", () => running.delete(child));
    await until(() => started || failed || child.exitCode !== null, `${command} to listen`);
    if (!started) throw new Error(`${command} did not start: ${failed ?? this.output}`);
  }

  /** Stops the process for so many milliseconds, as a debugger or a machine that sleeps does. */
  async sleep(ms) {
    this.child.kill("SIGSTOP");
    await new Promise((done) => setTimeout(done, ms));
    this.child.kill("SIGCONT");
  }

  /** Ends it, without giving it time unless told so with `SIGTERM`. */
  async kill(signal = "SIGKILL") {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
}

// Below the range that systems choose from for outgoing connections.
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    server.listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
