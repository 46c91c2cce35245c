#!/usr/bin/env node
// Counts the instructions of what happens for each message (benches/work) under valgrind, and
// compares them with benches/instructions.json. `--help` tells the options.
//
// Only instructions outside of the kernel are counted, inside of the function `measured`, after a
// warm-up. That is the same on a busy machine and on a quiet one, so a change of a few per cent is
// a change of the program.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const baselineFile = join(root, "benches", "instructions.json");
/** More than so much above the baseline fails. */
const tolerance = 0.05;

const help = `usage: scripts/instructions.mjs [OPTION...] [NAME...]

Counts instructions per message, of all pieces of work or of those whose name holds a NAME, and
fails when one takes more than ${tolerance * 100}% more than benches/instructions.json says.

  --list       what there is
  --update     write the counts to benches/instructions.json
  --repeat=N   count N times, and tell how far the counts are apart
  --profile    keep what callgrind wrote, for callgrind_annotate
  --shipped    build as releases are, with optimisation across crates; nothing is compared
  --help       this

Needs valgrind, and an x86-64 machine with AVX2 to compare.`;

const { values: options, positionals: wanted } = arguments_();
if (options.help) {
  console.log(help);
  process.exit(0);
}

const valgrind = spawnSync("valgrind", ["--version"], { encoding: "utf8" });
if (valgrind.error) fail("valgrind is missing: apt-get install valgrind");

const program = build();
const work = lines(program, ["--list"])
  .map((line) => line.split("\t"))
  .map(([name, units, repetitions]) => ({ name, divisor: units * repetitions }))
  .filter(({ name }) => !wanted.length || wanted.some((part) => name.includes(part)));
if (!work.length) fail(`There is no work named like ${wanted.join(" or ")}`);
if (options.list) {
  console.log(work.map(({ name }) => name).join("\n"));
  process.exit(0);
}

const environment = {
  rustc: lines("rustc", ["--version"])[0].split(" ")[1],
  machine: lines("uname", ["-m"])[0],
  avx2: /\bavx2\b/.test(readFileSync("/proc/cpuinfo", "utf8")),
};
const repeat = Number(options.repeat ?? 1);
if (!Number.isInteger(repeat) || repeat < 1) fail("--repeat wants a whole number from 1");
const counts = await countAll();

if (repeat > 1) spread();
if (options.update) update();
else if (repeat > 1) process.exit(0);
else if (options.shipped) table(work.map(({ name }) => [name, shown(counts.get(name)[0])]));
else compare();

// ---- What it does

function arguments_() {
  const flag = { type: "boolean" };
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: flag, list: flag, update: flag, profile: flag, shipped: flag,
        repeat: { type: "string" },
      },
    });
  } catch (error) {
    return fail(`${error.message}\n\n${help}`);
  }
}

/** Builds the program; gives its path. */
function build() {
  // As CI builds everything else, so that what is built already serves.
  const quick = { CARGO_PROFILE_RELEASE_LTO: "off", CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16" };
  // What is counted is found by its name.
  const named = { CARGO_PROFILE_RELEASE_STRIP: "none", CARGO_PROFILE_DIST_STRIP: "none" };
  const { status, stdout } = spawnSync(
    "cargo",
    ["build", "--profile", options.shipped ? "dist" : "release", "--all-features", "--package", "stellarfw",
      "--bench", "instructions", "--message-format", "json-render-diagnostics"],
    {
      cwd: root, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...named, ...(options.shipped ? {} : quick) },
    },
  );
  if (status !== 0) fail("it could not be built");
  const built = stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return built.find(({ target, executable }) => target?.name === "instructions" && executable).executable;
}

function lines(program, args) {
  const { status, stdout, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) fail(`${program} ${args.join(" ")} failed: ${error ?? `status ${status}`}`);
  return stdout.trim().split("\n");
}

/** All counts: per message, an array for each piece of work, as many as it is repeated. */
async function countAll() {
  const found = new Map(work.map(({ name }) => [name, []]));
  const queue = work.flatMap((one) => Array(repeat).fill(one));
  const worker = async () => {
    for (let one = queue.shift(); one; one = queue.shift()) {
      found.get(one.name).push((await count(one.name)) / one.divisor);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return found;
}

function count(name) {
  let out = "/dev/null";
  if (options.profile) {
    const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "instructions");
    out = join(folder, `callgrind.${name.replace(/[^a-z0-9]+/gi, "-")}.out`);
    mkdirSync(dirname(out), { recursive: true });
    console.log(`callgrind_annotate ${out}`);
  }
  const args = [
    "--tool=callgrind", "--toggle-collect=instructions::measured*", `--callgrind-out-file=${out}`,
    program, name,
  ];
  return new Promise((resolve) => {
    // Nothing of the environment: its size alone moves the stack.
    const child = spawn("valgrind", args, { env: { PATH: process.env.PATH }, stdio: ["ignore", "ignore", "pipe"] });
    let told = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (told += text));
    child.on("close", (status) => {
      const collected = Number(/Collected : (\d+)/.exec(told)?.[1] ?? 0);
      if (status !== 0 || !collected) fail(`${name} was not counted:\n${told}`);
      resolve(collected);
    });
  });
}

function update() {
  if (wanted.length || options.shipped) fail("--update is for all of it, as CI builds it");
  const least = work.map(({ name }) => [name, Math.round(Math.min(...counts.get(name)))]);
  const baseline = { ...environment, counts: Object.fromEntries(least) };
  writeFileSync(baselineFile, `${JSON.stringify(baseline, null, 2)}\n`);
  if (repeat === 1) table(least.map(([name, value]) => [name, shown(value)]));
  console.log("benches/instructions.json is written");
}

function spread() {
  table([
    ["", "least", "most", "apart"],
    ...work.map(({ name }) => {
      const all = counts.get(name);
      const [least, most] = [Math.min(...all), Math.max(...all)];
      return [name, shown(least), shown(most), `${((most / least - 1) * 100).toFixed(2)}%`];
    }),
  ]);
}

function compare() {
  if (!existsSync(baselineFile)) fail("There is no benches/instructions.json: --update writes it");
  const { counts: expected, ...there } = JSON.parse(readFileSync(baselineFile, "utf8"));
  const bad = [];
  table([
    ["", "baseline", "now", "change"],
    ...work.map(({ name }) => {
      const [now] = counts.get(name);
      const before = expected[name];
      if (before === undefined) bad.push(`${name} is not in the baseline`);
      else if (now > before * (1 + tolerance)) bad.push(`${name} takes more`);
      const change = before ? `${now < before ? "" : "+"}${((now / before - 1) * 100).toFixed(1)}%` : "new";
      return [name, before ? shown(before) : "", shown(now), change];
    }),
  ]);
  if (!wanted.length) {
    const gone = Object.keys(expected).filter((name) => !counts.has(name));
    bad.push(...gone.map((name) => `${name} is in the baseline and nowhere else`));
  }
  if (environment.machine !== there.machine || environment.avx2 !== there.avx2) {
    // Other instructions are chosen there, when it is built or when it runs.
    console.log(`NOT COMPARED: the baseline is of ${there.machine} ${there.avx2 ? "with" : "without"} AVX2`);
    return;
  }
  if (environment.rustc !== there.rustc) {
    bad.push(`the baseline is of Rust ${there.rustc}, this is ${environment.rustc}`);
  }
  if (!bad.length) return;
  fail(`\n${bad.join("\n")}\n
If it is worth it, or the toolchain changed, make these the baseline and commit them:
  scripts/instructions.mjs --update`);
}

function shown(value) {
  return Math.round(value).toLocaleString("en");
}

function table(rows) {
  const width = (column) => Math.max(...rows.map((row) => row[column].length));
  const widths = rows[0].map((_, column) => width(column));
  for (const [first, ...rest] of rows) {
    console.log([first.padEnd(widths[0]), ...rest.map((cell, i) => cell.padStart(widths[i + 1]))].join("  "));
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
