// Builds, starts and loads servers.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = fileURLToPath(new URL("..", import.meta.url));
export const root = fileURLToPath(new URL("../../..", import.meta.url));
export const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
/** The programs of the workspace. */
const ownTarget = join(target, "compare");

export class Failure extends Error {}

export function programs() {
  return {
    server: join(target, "dist", "examples", "measured"),
    command: join(target, "dist", "stellarfw"),
    load: join(ownTarget, "release", "loadgen"),
  };
}

export function checkMachine() {
  for (const [program, hint] of [
    ["cargo", "install Rust with rustup"],
    ["npm", "it comes with Node"],
    ["taskset", "it is in the package util-linux"],
    ["bash", "it sets the limit of open files"],
  ]) {
    if (spawnSync(program, ["--version"]).error) throw new Failure(`${program} is missing: ${hint}`);
  }
  if (process.platform !== "linux") throw new Failure("CPU time and memory are read from Linux's /proc");
  if (cpus().length < 2) throw new Failure("two cores are needed: one for the server, one for the load");
}

export function build(log) {
  log("building this project's server and command");
  cargo(root, target, "dist", ["--package", "stellarfw", "--example", "measured"]);
  cargo(root, target, "dist", ["--package", "stellarfw-cli"]);
  log("building the load generator and the servers in Rust");
  cargo(here, ownTarget, "release", []);
  log("installing the servers for Node");
  run("npm", ["ci", "--no-audit", "--no-fund", "--silent"], { cwd: join(here, "peers", "node") });
}

function cargo(folder, into, profile, args) {
  run("cargo", ["build", "--profile", profile, "--locked", "--quiet", ...args], {
    cwd: folder,
    env: { ...process.env, CARGO_TARGET_DIR: into },
  });
}

function run(program, args, options) {
  const { status, error } = spawnSync(program, args, { stdio: ["ignore", 2, 2], ...options });
  if (status !== 0) throw new Failure(`${program} ${args.join(" ")} failed${error ? `: ${error.message}` : ""}`);
}

/** Measures a clean build of the workspace, in seconds. */
export function cleanBuild() {
  const fresh = join(target, "compare-clean");
  run("rm", ["-rf", fresh]);
  // Downloads are excluded.
  run("cargo", ["fetch", "--locked"], { cwd: root });
  const start = process.hrtime.bigint();
  cargo(root, fresh, "release", ["--workspace"]);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  run("rm", ["-rf", fresh]);
  return seconds;
}

/** Returns the size of the command, if it was built. */
export const binaryMiB = () =>
  existsSync(programs().command) ? statSync(programs().command).size / 2 ** 20 : undefined;

/** The file that selects the core for packets on loopback. Empty: the core of the sender. */
const steering = "/sys/class/net/lo/queues/rx-0/rps_cpus";

/** Returns `true` if this process may write the file, which needs root and kernel support. */
export function maySteer() {
  try {
    accessSync(steering, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Formats a core as the kernel's mask: bits in groups of 32. */
export function mask(core) {
  const groups = Array.from({ length: core >> 5 }, () => "00000000");
  return [(2 ** (core & 31)).toString(16), ...groups].join(",");
}

/**
 * Selects the core that processes packets on loopback.
 *
 * Returns a function that restores the previous value. The end of this process also restores it.
 */
export function steer(core, file = steering) {
  const before = readFileSync(file, "utf8").trim();
  // A killed process cannot restore the value. Its end of the pipe closes, which wakes this child.
  const heir = spawn("sh", ["-c", 'read -r _; printf %s "$1" >"$2"', "sh", before, file], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  heir.unref();
  heir.stdin.unref();
  writeFileSync(file, mask(core));
  const undo = () => {
    heir.kill("SIGKILL");
    writeFileSync(file, before);
    process.off("exit", undo);
    process.off("SIGINT", leave);
    process.off("SIGTERM", leave);
  };
  const leave = () => process.exit(1);
  process.on("exit", undo).on("SIGINT", leave).on("SIGTERM", leave);
  return undo;
}

function commandLine(server, options) {
  const [program, ...args] = server.command(options);
  if (server.group === "node") return ["node", join(here, "peers", "node", program), ...args];
  if (server.group === "ours") return [programs().server, ...args];
  return [join(ownTarget, "release", program), ...args];
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts a server on a core. Returns its address and a function that stops it. */
export async function start(server, core, options = {}) {
  const port = await freePort();
  const line = commandLine(server, { ...options, port }).map(String);
  // Each command execs the next, so that the process is the server itself.
  const script = 'ulimit -n "$(ulimit -Hn)"; exec taskset -c "$0" "$@"';
  const begun = process.hrtime.bigint();
  const child = spawn("bash", ["-c", script, String(core), ...line], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const gone = new Promise((resolve) => child.once("close", resolve));
  const listening = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Failure(`${server.id} did not listen within 20 s: ${output}`)), 20_000);
    const fail = (why) => {
      clearTimeout(timer);
      reject(new Failure(`${server.id} did not start: ${why}\n${output}`));
    };
    child.once("error", ({ message }) => fail(message));
    child.once("close", (status) => fail(`it ended with ${status}`));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output = (output + text).slice(-4_000);
        if (!/listening on/.test(output)) return;
        clearTimeout(timer);
        resolve(Number(process.hrtime.bigint() - begun) / 1e6);
      });
    }
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    address: `127.0.0.1:${port}`,
    pid: child.pid,
    /** Time until the server listened, in ms. */
    listening,
    async stop() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** Loads a running server. Returns the output of the load generator. */
export function load(server, started, core, { args, of }, settings) {
  const path = server.paths?.[of];
  const line = [
    "-c", core, programs().load, ...args(settings), "--addr", started.address, "--pid", started.pid,
    ...server.protocol, ...(path ? ["--path", path] : []), ...((of === "open" && server.open) || []),
  ].map(String);
  return new Promise((resolve, reject) => {
    const child = spawn("taskset", line, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
    child.once("error", reject);
    child.once("close", (status) => {
      if (status !== 0) return reject(new Failure(`the load ended with ${status}: ${output.trim()}`));
      const found = JSON.parse(out);
      const { count, first } = found.errors;
      if (count) return reject(new Failure(`${count} errors, such as: ${first[0]}`));
      if ([found.msgs, found.deliveries, found.count, found.conns].includes(0)) {
        return reject(new Failure("nothing was done in the time given: measure longer"));
      }
      if (found.lost) return reject(new Failure(`${found.lost} deliveries were lost`));
      resolve(found);
    });
  });
}

/** Describes the machine, for readers of the figures. */
export function machine() {
  const text = (program, ...args) => spawnSync(program, args, { encoding: "utf8" }).stdout?.trim() ?? "";
  const hypervisor = existsSync("/proc/cpuinfo") && /\bhypervisor\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  const versions = JSON.parse(readFileSync(join(here, "peers", "node", "package-lock.json"), "utf8")).packages;
  const peers = ["ws", "primus", "engine.io", "socket.io", "sockjs"];
  return {
    processor: cpus()[0].model, cores: cpus().length, virtual: hypervisor,
    memoryGiB: Math.round(totalmem() / 2 ** 30), kernel: release(),
    rustc: text("rustc", "--version").split(" ")[1], node: process.versions.node,
    commit: text("git", "-C", root, "rev-parse", "--short", "HEAD"),
    peers: Object.fromEntries(peers.map((name) => [name, versions[`node_modules/${name}`]?.version])),
    crates: crates(["axum", "engineioxide", "socketioxide", "tokio"]),
  };
}

function crates(names) {
  const lock = readFileSync(join(here, "Cargo.lock"), "utf8");
  const version = (name) => new RegExp(`name = "${name}"\nversion = "([^"]+)"`).exec(lock)?.[1];
  return Object.fromEntries(names.map((name) => [name, version(name)]));
}
