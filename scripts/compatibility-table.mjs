// Writes the tables of docs/compatibility.md from what the tests of tests/js/matrix came to; they
// leave it in target/compatibility. With --check it only says whether the tables are as they
// should be.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "compatibility");
const page = join(root, "docs", "compatibility.md");
const [begin, end] = ["<!-- the tables: begin -->", "<!-- the tables: end -->"];
const order = ["ws", "engine.io", "socket.io", "sockjs"];
const codecs = { json: "JSON", msgpack: "MessagePack" };

const runs = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
const results = runs.flatMap(({ results }) => results);
const names = runs[0]?.names ?? [];
const missing = order.filter((engine) => !results.some((result) => result.engine === engine));
if (missing.length) fail(`There are no results of ${missing.join(", ")}: run the tests first.`);

/** How many behaviours a cell has, and which it lacks. */
function verdict(result) {
  if (!result) return "";
  const all = Object.entries(result.behaviours);
  const good = all.filter(([, passed]) => passed).length;
  const bad = all.filter(([, passed]) => !passed).map(([name]) => name);
  return `${good} of ${all.length}${bad.length ? `; not: ${bad.join(", ")}` : ""}`;
}

const lines = [`| engine | client | by | ${Object.values(codecs).join(" | ")} |`, "|---|---|---|---|---|"];
for (const engine of order) {
  const own = results.filter((result) => result.engine === engine);
  for (const row of new Set(own.map(({ client, way }) => `${client} | ${way}`))) {
    const [client, way] = row.split(" | ");
    const cells = Object.keys(codecs).map((parser) =>
      verdict(own.find((one) => one.client === client && one.way === way && one.parser === parser)),
    );
    lines.push(`| ${engine} | ${client} | ${way} | ${cells.join(" | ")} |`);
  }
}
const list = names.map((name, index) => `${index + 1}. ${name}`);
const made = `${begin}\n\n${lines.join("\n")}\n\nThe behaviours:\n\n${list.join("\n")}\n\n${end}`;

const text = readFileSync(page, "utf8");
const [from, to] = [text.indexOf(begin), text.indexOf(end)];
if (from < 0 || to < from) fail(`${page} has no place for the tables`);
const wanted = text.slice(0, from) + made + text.slice(to + end.length);
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
