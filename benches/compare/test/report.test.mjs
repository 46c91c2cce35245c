import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { charts, between } from "../src/docs.mjs";
import { roundUp, themes } from "../src/charts.mjs";
import { Figures } from "../src/figures.mjs";
import { allLoads, fits } from "../src/loads.mjs";
import { servers } from "../src/servers.mjs";
import { costTable, idleTable, latencyTable, machineText, targetTable } from "../src/tables.mjs";
import { heartbeatPercent } from "../src/targets.mjs";

/** Results of every load, in which the cost of a server is its position in the list. */
const lines = allLoads.flatMap((load) =>
  servers.filter((server) => fits(load, server)).map((server) => {
    const cost = servers.indexOf(server) + 1;
    const cpu = { cpu_us_per_msg: cost, cpu_us_per_delivery: cost, cpu_us_per_conn: cost, cpu_us_per_ping: cost, util_pct: cost };
    const result = {
      server: cpu, idle: { server: cpu }, rss_kib_per_conn: cost, msgs_per_s: 1_000, lat_us: { p50: cost, p99: 2 * cost },
    };
    return { kind: "run", round: 1, server: server.id, load: load.id, result };
  }),
);
const figures = new Figures(lines);

test("the tables have every server, and targets are met or not", () => {
  const cells = (table) => table.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  assert.equal(cells(costTable(figures)).length, servers.length + 2);
  assert(costTable(figures).includes("| 2.00 (2.00×) |"), costTable(figures));
  assert(latencyTable(figures).includes("| lean: tokio by hand | 1.00 | 2.00 | 1.00 | 2.00 | 1,000 | 1,000 |"));
  assert(idleTable(figures).includes("take 3.00% of a core"));
  const verdicts = new Map(cells(targetTable(figures)).map(([, what, limit, is, verdict]) => [what, [limit, is, verdict]]));
  assert.deepEqual(verdicts.get("echo8: transport layer on ws, to lean"), ["1.5×", "2.00×", "**not met**"]);
  assert.deepEqual(verdicts.get("echo8: Stellar action on ws, to lean"), ["3×", "3.00×", "met"]);
  assert.deepEqual(verdicts.get("start to listening"), ["50 ms", "", "not measured"]);
});

test("a load with more rounds than others is marked", () => {
  const machine = { crates: {}, peers: {}, commit: "abc" };
  const more = [2, 3].map((round) => ({ ...lines.find(({ load }) => load === "echo10k"), round }));
  const text = machineText(new Figures([{ kind: "facts", facts: { machine, seconds: 1 } }, ...lines, ...more]));
  assert(text.includes("1 rounds of 1 s for each load, 3 of 3 s for echo, 10,000/s,"), text);
});

test("figures from a busy machine say so", () => {
  const machine = { crates: { axum: "1" }, peers: { ws: "2" }, commit: "abc" };
  const busy = { ...lines[0], result: { ...lines[0].result, around: { other_cpu_pct_of_core: 50 } } };
  const text = (runs) => machineText(new Figures([{ kind: "facts", facts: { machine } }, ...runs]));
  assert(text([lines[0], busy]).includes("beside 1 of the 2 runs"));
  assert(!text(lines).includes("beside"));
});

test("heartbeats are reported for 10,000 in 30 seconds", () => {
  // 3 µs each: 30 ms of 30 s.
  assert.equal(heartbeatPercent(figures, "stellar ws").toFixed(4), "0.1000");
});

test("charts are drawn in both themes, with all they are of", () => {
  for (const theme of Object.values(themes)) {
    for (const [name, drawing] of Object.entries(charts(figures, theme))) {
      assert.match(drawing, /^<svg [^]*<\/svg>\n$/, name);
      assert(!/NaN|undefined|Infinity/.test(drawing), name);
      assert.equal(drawing.match(/<text /g).length, drawing.match(/<\/text>/g).length);
      assert(drawing.includes(theme.ground));
    }
    // A line up to the 99th percentile, here twice the median, for every echo server.
    const lines = charts(figures, theme).latency.match(/m0 -5v10/g);
    assert.equal(lines.length, servers.filter(({ id }) => figures.has("echo10k", id)).length);
    for (const name of ["members", "apart"]) {
      assert.equal(charts(figures, theme)[name].match(/<circle /g).length, 8);
    }
  }
});

test("axes have numbers that are easy to read", () => {
  assert.deepEqual([0.26, 1, 1.7, 3.1, 8].map(roundUp), [0.3, 1, 2, 4, 10]);
});

test("a text goes between its marks, and nowhere else", () => {
  const page = "a\n<!-- measured x: begin -->\nold\n<!-- measured x: end -->\nb\n";
  const written = between(page, "x", "new");
  assert.equal(written, "a\n<!-- measured x: begin -->\n\nnew\n\n<!-- measured x: end -->\nb\n");
  assert.equal(between(written, "x", "new"), written);
  assert.throws(() => between(page, "y", "new"), /no place for y/);
});

test("the command tells results again, and what it does not understand", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "compare-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "results.jsonl");
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join("\n"));
  const main = fileURLToPath(new URL("../src/main.mjs", import.meta.url));
  const command = (...args) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

  const result = command(`--from=${file}`);
  assert.equal(result.status, 0, result.stderr);
  assert(result.stdout.includes(targetTable(figures)));
  for (const [args, why] of [
    [["--rounds=0"], /--rounds is from 1/],
    [["--cores=1,1"], /--cores are two numbers/],
    [["--servers=nginx"], /there is no server nginx; there are: lean, /],
    [["--loads=echo9"], /there is no load echo9/],
    [["--frm"], /Unknown option '--frm'[^]*usage:/],
    [[`--from=${file}.not`], /no such file/],
    [[`--from=${file}`, "--docs", "--loads=echo8"], /all servers and loads/],
  ]) {
    const { status, stderr } = command(...args);
    assert.equal(status, 1);
    assert.match(stderr, why);
  }
});
