// Writes the results to docs/performance.md, and the charts next to it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { barChart, curveChart, themes } from "./charts.mjs";
import { allLoads } from "./loads.mjs";
import { Failure, root } from "./machine.mjs";
import { serverOf, servers } from "./servers.mjs";
import { costTable, idleTable, latencyTable, machineText, targetTable } from "./tables.mjs";

const page = join(root, "docs", "performance.md");

/** Replaces the text between the markers of a name. */
export function between(whole, name, text) {
  const [begin, end] = ["begin", "end"].map((side) => `<!-- measured ${name}: ${side} -->`);
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)];
  if (from < 0 || to < from) throw new Failure(`docs/performance.md has no place for ${name}`);
  return `${whole.slice(0, from)}${begin}\n\n${text}\n\n${whole.slice(to)}`;
}

export function charts(figures, theme) {
  const bars = (load, pick, until) =>
    servers.map(({ id, title, group }) => ({
      title, value: figures.value(load, id, pick), upTo: until && figures.value(load, id, until),
      ours: group === "ours",
    }));
  const curve = (name) =>
    ["stellar ws", "lean"].map((id) => ({
      title: id === "lean" ? "lean" : "stellarfw",
      ours: serverOf(id).group === "ours",
      points: allLoads
        .filter((load) => load.curve?.name === name)
        .map((load) => [load.curve.x, figures.value(load.id, id)])
        .filter(([, y]) => y !== undefined),
    })).filter(({ points }) => points.length);
  return {
    echo: barChart("CPU of one echo, 100 connections × 8 in flight", "µs", bars("echo8"), theme),
    say: barChart("CPU of one delivery, 1 to 1,000, one publication at a time", "µs", bars("say1"), theme),
    latency: barChart(
      "Latency of an echo at 10,000/s: median, and up to the 99th percentile", "µs",
      bars("echo10k", (run) => run.lat_us.p50, (run) => run.lat_us.p99), theme,
    ),
    idle: barChart("Memory of an idle connection", "KiB", bars("idle"), theme),
    members: curveChart("CPU of one delivery", "µs", "members of the room", curve("members"), theme),
    apart: curveChart(
      "CPU of one delivery, the receivers' half apart", "µs", "members of the room", curve("apart"), theme,
    ),
    others: curveChart(
      "CPU of one delivery to 100 members", "µs", "other rooms, with a connection in each", curve("others"), theme,
    ),
  };
}

export function writeDocs(figures) {
  let whole = readFileSync(page, "utf8");
  for (const [name, text] of Object.entries({
    machine: machineText(figures),
    targets: targetTable(figures),
    costs: costTable(figures),
    latency: latencyTable(figures),
    idle: idleTable(figures),
  })) {
    whole = between(whole, name, text);
  }
  for (const [theme, colours] of Object.entries(themes)) {
    for (const [name, drawing] of Object.entries(charts(figures, colours))) {
      writeFileSync(join(root, "docs", "img", `performance-${name}-${theme}.svg`), drawing);
    }
  }
  writeFileSync(page, whole);
}
