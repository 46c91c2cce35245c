import assert from "node:assert/strict";
import { test } from "node:test";
import { Figures, median, shown } from "../src/figures.mjs";

const run = (round, server, cost, load = "echo8") => ({
  kind: "run", round, server, load, result: { server: { cpu_us_per_msg: cost }, lat_us: { p99: 10 * cost } },
});

test("a median is the middle, or between the two", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([]), undefined);
});

test("ratios are taken within a round, not between medians", () => {
  // The machine is slower in each round than in the previous one, equally for both servers.
  const figures = new Figures([
    run(1, "lean", 1), run(1, "ws", 2),
    run(2, "lean", 10), run(2, "ws", 20),
    run(3, "ws", 500),
  ]);
  assert.equal(figures.value("echo8", "ws"), 20);
  assert.equal(figures.ratio("echo8", "ws", "lean"), 2);
  assert.equal(figures.rounds("echo8"), 3);
  assert.equal(figures.rounds("echo1"), 0);
});

test("what was not measured is nothing", () => {
  const figures = new Figures([run(1, "ws", 2), run(1, "lean", 0)]);
  assert.equal(figures.ratio("echo8", "ws", "lean"), undefined);
  assert.equal(figures.value("echo1", "ws"), undefined);
  assert.equal(shown(figures.value("echo1", "ws")), "");
});

test("another figure, and another load, can be compared", () => {
  const figures = new Figures([
    run(1, "ws", 2), run(1, "lean", 1), run(1, "ws", 6, "echo1"),
    { kind: "facts", facts: { startMs: 5 } }, { kind: "facts", facts: { binaryMiB: 7 } },
  ]);
  const pick = (result) => result.lat_us.p99;
  assert.equal(figures.value("echo8", "ws", pick), 20);
  assert.equal(figures.ratio("echo8", "ws", "lean", { pick }), 2);
  assert.equal(figures.ratio("echo1", "ws", "ws", { otherLoad: "echo8" }), 3);
  assert.deepEqual(figures.facts, { startMs: 5, binaryMiB: 7 });
});

test("figures have three digits", () => {
  assert.deepEqual([0, 0.001234, 1.234, 12.34, 123.4, 12_345].map(shown), [
    "0.00", "0.0012", "1.23", "12.3", "123", "12,345",
  ]);
});
