import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { allLoads, fits } from "../src/loads.mjs";
import { mask } from "../src/machine.mjs";
import { servers } from "../src/servers.mjs";

test("every load has servers, every server has loads, and names are their own", () => {
  for (const load of allLoads) assert(servers.some((server) => fits(load, server)), load.id);
  for (const server of servers) assert(allLoads.some((load) => fits(load, server)), server.id);
  for (const all of [servers, allLoads]) {
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  }
});

test("lean is under every load that ratios are of, and an action is no echo of another", () => {
  const on = (load) => servers.filter((server) => fits(allLoads.find(({ id }) => id === load), server));
  for (const load of ["echo8", "echo1", "echo10k", "bursts", "say1", "say8", "open"]) {
    assert(on(load).some(({ id }) => id === "lean"), load);
  }
  assert(!on("say1").some(({ id }) => id === "ws"));
  assert.deepEqual(on("others 1000").map(({ id }) => id), ["stellar ws"]);
});

test("a core is formatted as a kernel mask", () => {
  assert.deepEqual([0, 1, 5, 31, 32, 70].map(mask), [
    "1", "2", "20", "80000000", "1,00000000", "40,00000000,00000000",
  ]);
});

test("loopback is as it was after a process that steered it, however it ended", async () => {
  const folder = mkdtempSync(join(tmpdir(), "steer-"));
  const file = join(folder, "rps_cpus");
  const machine = new URL("../src/machine.mjs", import.meta.url);
  const script = (then) => `
    import { steer } from ${JSON.stringify(machine.href)};
    const undo = steer(1, ${JSON.stringify(file)});
    ${then}`;
  const steering = (then) =>
    spawn("node", ["--input-type=module", "-e", script(then)], { stdio: ["ignore", "pipe", "inherit"] });
  const kept = () => readFileSync(file, "utf8").trim();
  try {
    for (const [then, signal] of [
      ["undo();", undefined],
      ["process.exit(3);", undefined],
      ["console.log('steered'); setInterval(() => {}, 1000);", "SIGTERM"],
      ["console.log('steered'); setInterval(() => {}, 1000);", "SIGKILL"],
    ]) {
      writeFileSync(file, "0\n");
      const child = steering(then);
      const ended = once(child, "exit");
      if (signal) {
        await once(child.stdout, "data");
        assert.equal(kept(), "2");
        child.kill(signal);
      }
      await ended;
      while (kept() !== "0") await setTimeout(5);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a load's words are complete", () => {
  for (const load of allLoads) {
    const words = load.args({ seconds: 2 });
    assert(["echo", "fanout", "idle", "connect"].includes(words[0]), load.id);
    assert(words.every((word) => ["string", "number"].includes(typeof word)), load.id);
  }
});
