// The comparison: options, order of the runs, and progress.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { writeDocs } from "./docs.mjs";
import { Figures, company, median, shown } from "./figures.mjs";
import { allLoads, fits, loads, onceLoads } from "./loads.mjs";
import * as machine from "./machine.mjs";
import { serverOf, servers } from "./servers.mjs";
import { costTable, idleTable, latencyTable, targetTable } from "./tables.mjs";

const help = `usage: benches/compare/run [OPTION...]

Runs each server on one core, loads it from another core, and measures CPU time, memory and latency.
The servers are this project's engines, a minimal server on tokio ("lean", the base of the ratios),
and common servers for Rust and Node. Each round applies every load to every server in sequence;
ratios are computed within a round. A comparison takes about 10 minutes. Loads marked "apart" let the
core of the load process packets on loopback. This needs root, and affects all loopback traffic while
they run.

  --rounds=N         number of rounds (3)
  --seconds=N        duration of each measurement (1)
  --servers=A,B      only lean and these servers: ${servers.map(({ id }) => `"${id}"`).join(", ")}
  --loads=A,B        only these loads: ${allLoads.map(({ id }) => `"${id}"`).join(", ")}
  --cores=A,B        cores of the server and the load (0,1)
  --results=FILE     output file for the results (target/compare/results.jsonl)
  --docs             write the tables and charts of docs/performance.md
  --from=FILE        use these results instead of measuring
  --build-time       first measure a clean build of the workspace
  --no-build         use the existing builds
  --help             print this help

Other work on the machine distorts the results. Each run records the CPU usage of other processes,
and affected runs are listed at the end.`;

main().catch((error) => {
  if (!(error instanceof machine.Failure)) throw error;
  console.error(error.message);
  process.exit(1);
});

async function main() {
  const options = optionsOf(process.argv.slice(2));
  if (options.help) return console.log(help);
  if (options.from) return report(read(options.from), options);

  machine.checkMachine();
  mkdirSync(dirname(options.results), { recursive: true });
  writeFileSync(options.results, "");
  const lines = [];
  const keep = (line) => {
    lines.push(line);
    appendFileSync(options.results, `${JSON.stringify(line)}\n`);
  };
  if (options["build-time"]) {
    console.error("building the workspace from nothing");
    keep({ kind: "facts", facts: { buildMinutes: machine.cleanBuild() / 60 } });
  }
  if (!options["no-build"]) machine.build((what) => console.error(what));
  const when = new Date().toISOString().slice(0, 10);
  keep({ kind: "facts", facts: { machine: machine.machine(), when, seconds: options.seconds } });
  keep({ kind: "facts", facts: { startMs: await startTime(options), binaryMiB: machine.binaryMiB() } });
  const troubles = await measure(options, keep);
  report(lines, options);
  console.error(`\nThe results are in ${options.results}`);
  if (troubles.length) throw new machine.Failure(`\nNot measured:\n${troubles.join("\n")}`);
}

function optionsOf(args) {
  const flag = { type: "boolean", default: false };
  const word = { type: "string" };
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        rounds: { ...word, default: "3" }, seconds: { ...word, default: "1" },
        servers: word, loads: word, cores: { ...word, default: "0,1" },
        results: { ...word, default: join(machine.target, "compare", "results.jsonl") },
        docs: flag, from: word, "build-time": flag, "no-build": flag, help: flag,
      },
    }));
  } catch (error) {
    throw new machine.Failure(`${error.message}\n\n${help}`);
  }
  return {
    ...values,
    rounds: number("rounds", values.rounds, 1, 100, Number.isInteger),
    seconds: number("seconds", values.seconds, 0.2, 60, Number.isFinite),
    cores: cores(values.cores),
    servers: chosen("server", servers, values.servers, ["lean"]),
    loads: chosen("load", allLoads, values.loads, []),
    whole: !values.servers && !values.loads,
  };
}

function number(name, text, least, most, right) {
  const value = Number(text);
  if (right(value) && value >= least && value <= most) return value;
  throw new machine.Failure(`--${name} is from ${least} to ${most}, not ${text}`);
}

function cores(text) {
  const found = text.split(",").map(Number);
  if (found.length === 2 && found.every((core) => Number.isInteger(core) && core >= 0) && found[0] !== found[1]) {
    return found;
  }
  throw new machine.Failure(`--cores are two numbers, such as 0,1, not ${text}`);
}

function chosen(kind, all, text, always) {
  if (text === undefined) return all;
  const names = new Set([...always, ...text.split(",")]);
  for (const name of names) {
    if (!all.some(({ id }) => id === name)) {
      throw new machine.Failure(`there is no ${kind} ${name}; there are: ${all.map(({ id }) => id).join(", ")}`);
    }
  }
  return all.filter(({ id }) => names.has(id));
}

function read(file) {
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  } catch (error) {
    throw new machine.Failure(`${file}: ${error.message}`);
  }
}

/** Returns the median time from the start of the server until it listens. */
async function startTime({ cores: [core] }) {
  const times = [];
  for (let count = 0; count < 7; count += 1) {
    const started = await machine.start(serverOf("stellar ws"), core);
    times.push(started.listening);
    await started.stop();
  }
  return median(times);
}

/** Returns all runs in order. */
function plan(options) {
  const steps = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    const now = round === 1 ? [...loads, ...onceLoads] : loads;
    for (const load of now.filter((load) => options.loads.includes(load))) {
      for (const server of options.servers.filter((server) => fits(load, server))) {
        steps.push({ round, load, server });
      }
    }
  }
  return steps;
}

async function measure(options, keep) {
  const skipped = machine.maySteer() ? [] : options.loads.filter(({ apart }) => apart);
  const steps = plan({ ...options, loads: options.loads.filter((load) => !skipped.includes(load)) });
  if (skipped.length) {
    console.error(`only root may measure ${skipped.map(({ id }) => `"${id}"`).join(", ")}: left out`);
  }
  if (!steps.length) throw new machine.Failure("none of these servers takes one of these loads");
  const expected = ({ load }) => load.beside + (load.id === "idle" ? 1 : options.seconds);
  const troubles = [];
  const disturbed = [];
  let [left, done, spent] = [steps.reduce((sum, step) => sum + expected(step), 0), 0, 0];
  for (const [index, step] of steps.entries()) {
    const { round, load, server } = step;
    const pace = done > 20 ? spent / done : 1;
    const minutes = (left * pace) / 60;
    const time = minutes < 1 ? "less than a minute" : `about ${Math.ceil(minutes)} min`;
    process.stderr.write(
      `[${index + 1}/${steps.length}] round ${round} of ${options.rounds}, ${time} left: ${load.title} on ${server.id} … `,
    );
    const begun = process.hrtime.bigint();
    try {
      const result = await once(step, options);
      keep({ kind: "run", round, server: server.id, load: load.id, result });
      const others = (result.around ?? result.connect.around).other_cpu_pct_of_core;
      if (others > company) disturbed.push(`${load.id} on ${server.id}, round ${round}: ${Math.round(others)}% of a core`);
      process.stderr.write(`${shown(load.cost(result))} ${load.unit}\n`);
    } catch (error) {
      if (!(error instanceof machine.Failure)) throw error;
      troubles.push(`${load.id} on ${server.id}, round ${round}: ${error.message}`);
      process.stderr.write(`failed: ${error.message}\n`);
    }
    spent += Number(process.hrtime.bigint() - begun) / 1e9;
    done += expected(step);
    left -= expected(step);
  }
  if (disturbed.length) {
    console.error(`\nOther work went on beside ${disturbed.length} of ${steps.length} runs, such as`);
    console.error(disturbed.slice(0, 10).join("\n"));
  }
  return troubles;
}

async function once({ load, server }, { cores: [serverCore, loadCore], seconds }) {
  const unsteer = load.apart ? machine.steer(loadCore) : () => {};
  const started = await machine.start(server, serverCore, load.start).catch((error) => {
    unsteer();
    throw error;
  });
  try {
    return await machine.load(server, started, loadCore, load, { seconds });
  } finally {
    await started.stop();
    unsteer();
  }
}

function report(lines, { docs, whole }) {
  const figures = new Figures(lines);
  console.log(`\nCPU time in µs, and how many times lean's\n\n${costTable(figures)}`);
  console.log(`\nLatency\n\n${latencyTable(figures)}`);
  console.log(`\nIdle connections\n\n${idleTable(figures)}`);
  console.log(`\nTargets\n\n${targetTable(figures)}`);
  if (!docs) return;
  if (!whole) throw new machine.Failure("docs/performance.md is written when all servers and loads were measured");
  writeDocs(figures);
  console.error("\ndocs/performance.md and its charts are written");
}
