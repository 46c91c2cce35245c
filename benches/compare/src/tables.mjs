// Formats the tables in Markdown.
import { median, shown } from "./figures.mjs";
import { loads, tabled } from "./loads.mjs";
import { servers } from "./servers.mjs";
import { heartbeatPercent, targets } from "./targets.mjs";

const row = (cells) => `| ${cells.join(" | ")} |`;

function table(head, rows) {
  return [row(head), row(head.map((_, index) => (index ? "--:" : "---"))).replaceAll(" ", ""), ...rows.map(row)].join("\n");
}

const times = (ratio) => (ratio === undefined ? "" : `${shown(ratio)}×`);

/** CPU of each server under each load, and the ratio to lean. */
export function costTable(figures) {
  const rows = servers
    .filter(({ id }) => tabled.some((load) => figures.has(load.id, id)))
    .map(({ id, title }) => [
      title,
      ...tabled.map((load) => {
        const value = shown(figures.value(load.id, id));
        return value && `${value} (${times(figures.ratio(load.id, id, "lean"))})`;
      }),
    ]);
  return table(["server", ...tabled.map(({ title }) => title)], rows);
}

/** Latency at a common rate, and throughput without a rate. */
export function latencyTable(figures) {
  const pick = (name) => (run) => run.lat_us[name];
  const both = ["p50", "p99"];
  const rows = servers
    .filter(({ id }) => figures.has("echo10k", id))
    .map(({ id, title }) => [
      title,
      ...both.map((name) => shown(figures.value("echo10k", id, pick(name)))),
      ...both.map((name) => shown(figures.value("bursts", id, pick(name)))),
      shown(figures.value("echo10k", id, (run) => run.msgs_per_s)),
      shown(figures.value("echo8", id, (run) => run.msgs_per_s)),
    ]);
  return table(["server", "p50, µs", "p99, µs", "in bursts of 10: p50", "p99", "reached, of 10,000/s", "echoes/s, 100 × 8"], rows);
}

export function idleTable(figures) {
  const rows = servers
    .filter(({ id }) => figures.has("idle", id))
    .map(({ id, title }) => [
      title, shown(figures.value("idle", id)), shown(figures.value("heartbeat", id)),
      shown(heartbeatPercent(figures, id)),
    ]);
  const quiet = shown(figures.value("quiet", "stellar ws"));
  const note = quiet && `\n\nWith heartbeats switched off, 10,000 idle connections over ws take ${quiet}% of a core.`;
  const head = ["server", "KiB a connection", "µs a heartbeat", "10,000 heartbeats in 30 s, % of a core"];
  return table(head, rows) + note;
}

export function targetTable(figures) {
  const rows = targets.map(({ what, limit, unit, value }) => {
    const got = value(figures);
    const sign = unit === "×" ? "×" : ` ${unit}`;
    if (got === undefined) return [what, `${limit}${sign}`, "", "not measured"];
    return [what, `${limit}${sign}`, `${shown(got)}${sign}`, got <= limit ? "met" : "**not met**"];
  });
  return table(["what", "at most", "is", ""], rows);
}

export function machineText(figures) {
  const { machine, when, seconds } = figures.facts;
  if (!machine) return "";
  const list = (versions) => Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  const { all, disturbed } = figures.disturbed();
  const counts = loads.map(({ id, title, times = 1 }) => [title, figures.rounds(id), times]);
  const usual = median(counts.map(([, count]) => count));
  const others = counts
    .filter(([, count, times]) => count !== usual || times !== 1)
    .map(([title, count, times]) => `, ${count}${times === 1 ? "" : ` of ${times * seconds} s`} for ${title}`);
  return [
    `Measured on ${when}, at commit ${machine.commit}: ${usual} rounds of ${seconds} s for each load${others.join("")},`,
    `on ${machine.cores} cores of ${machine.virtual ? "a virtual machine" : "a machine"} (${machine.processor}, ` +
      `${machine.memoryGiB} GiB, Linux ${machine.kernel}), Rust ${machine.rustc}, Node ${machine.node}.`,
    `Servers compared with: ${list(machine.crates)}; ${list(machine.peers)}.`,
    ...(disturbed ? [`Other work went on beside ${disturbed} of the ${all} runs, which makes them no more than a hint.`] : []),
  ].join("\n");
}
