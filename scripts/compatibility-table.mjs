// Writes the tables of docs/compatibility.md from what the tests of tests/js/matrix came to; they
// leave it in target/compatibility. With --check it only says whether the tables are as they
// should be. There are three: `clients`, of every client in Node against our server, `browsers`, of
// our client in them, and `servers`, of our client against every server. --only=NAME,… leaves the
// others as they are.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "compatibility");
const page = join(root, "docs", "compatibility.md");
const order = ["ws", "engine.io", "socket.io", "sockjs"];
const codecs = { json: "JSON", msgpack: "MessagePack" };
const tables = { clients: clientsTable, browsers: browsersTable, servers: serversTable };

const only = process.argv.find((word) => word.startsWith("--only="))?.slice("--only=".length).split(",");
for (const name of only ?? []) if (!Object.hasOwn(tables, name)) fail(`There is no table ${name}`);

const runs = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
const results = runs.flatMap(({ results }) => results);
const names = runs[0]?.names ?? [];

/** How many behaviours a cell has, and which it lacks. */
function verdict(result) {
  if (!result) return "";
  const all = Object.entries(result.behaviours);
  const good = all.filter(([, passed]) => passed).length;
  const bad = all.filter(([, passed]) => !passed).map(([name]) => name);
  return `${good} of ${all.length}${bad.length ? `; not: ${bad.join(", ")}` : ""}`;
}

/** The rows of a table: for each engine, one for each of what `who` names and each way. */
function rowsOf(cells, who) {
  const missing = order.filter((engine) => !cells.some((cell) => cell.engine === engine));
  if (missing.length) {
    fail(`There are no results of ${who}s of ${missing.join(", ")}: run the tests first.`);
  }
  const head = [`| engine | ${who} | by | ${Object.values(codecs).join(" | ")} |`, "|---|---|---|---|---|"];
  const rows = order.flatMap((engine) => {
    const own = cells.filter((cell) => cell.engine === engine);
    return [...new Set(own.map((cell) => `${cell[who]} | ${cell.way}`))].map((row) => {
      const verdicts = Object.keys(codecs).map((parser) =>
        verdict(own.find((one) => `${one[who]} | ${one.way}` === row && one.parser === parser)),
      );
      return `| ${engine} | ${row} | ${verdicts.join(" | ")} |`;
    });
  });
  return [...head, ...rows].join("\n");
}

function clientsTable() {
  const rows = rowsOf(results.filter(({ server, browser }) => !server && !browser), "client");
  const list = names.map((name, index) => `${index + 1}. ${name}`);
  return `${rows}\n\nThe behaviours:\n\n${list.join("\n")}`;
}

function browsersTable() {
  return rowsOf(results.filter(({ browser }) => browser), "browser");
}

function serversTable() {
  return rowsOf(results.filter(({ server }) => server), "server");
}

const text = readFileSync(page, "utf8");
let wanted = text;
for (const [name, table] of Object.entries(tables)) {
  if (only && !only.includes(name)) continue;
  const [begin, end] = ["begin", "end"].map((side) => `<!-- the ${name}: ${side} -->`);
  const [from, to] = [wanted.indexOf(begin), wanted.indexOf(end)];
  if (from < 0 || to < from) fail(`${page} has no place for the table of the ${name}`);
  wanted = `${wanted.slice(0, from)}${begin}\n\n${table()}\n\n${wanted.slice(to)}`;
}
if (wanted === text) console.log(`The tables are as ${results.length} cells came out.`);
else if (process.argv.includes("--check")) {
  fail("The tables of docs/compatibility.md are not what the tests came to: run\n  node scripts/compatibility-table.mjs");
} else {
  writeFileSync(page, wanted);
  console.log(`Written, from ${results.length} cells.`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
