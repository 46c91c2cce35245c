// The guide for pages, docs/client-quickstart.md: each piece of code in it is taken from there and
// run, and does what the guide says.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { Demo } from "../support/demo.mjs";
import { root } from "../support/server.mjs";

const guide = await readFile(`${root}docs/client-quickstart.md`, "utf8");

/** The pieces of code, under the headings and in the order of the guide. */
const pieces = new Map();
for (const section of guide.split(/^## /m).slice(1)) {
  const heading = section.slice(0, section.indexOf("\n"));
  for (const [, kind, code] of section.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
    const before = [...pieces.keys()].filter((name) => name.startsWith(`${heading}, ${kind}`));
    pieces.set(`${heading}, ${kind} ${before.length + 1}`, code);
  }
}

const tried = new Set();
/** A test of one piece. */
const piece = (name, check) => {
  tried.add(name);
  test(`the guide, ${name}`, (t) => {
    assert.ok(pieces.has(name), "the guide has no such piece");
    return check(t, pieces.get(name));
  });
};

test("every piece of the guide is run", () => {
  assert.deepEqual([...tried].sort(), [...pieces.keys()].sort());
});

/** A folder that is gone after the test. */
async function temporary(t) {
  const folder = await mkdtemp(join(tmpdir(), "stellar-guide-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** Puts a module together with what the package has. */
async function bundle(code, loader) {
  const { outputFiles } = await build({
    stdin: { contents: code, loader, resolveDir: root },
    ...{ bundle: true, write: false, format: "esm", jsx: "automatic", logLevel: "error" },
    nodePaths: [`${root}client/node_modules`],
    define: { "process.env.NODE_ENV": '"production"' },
    alias: {
      "stellar-client/react": `${root}client/dist/react.mjs`,
      "stellar-client": `${root}client/dist/stellar-client.mjs`,
    },
  });
  return outputFiles[0].text;
}

/** Runs a module on a page of the server, and gives what it leaves as `told`, once it does. */
async function run({ page }, text) {
  await page.addScriptTag({ type: "module", content: text });
  return (await page.waitForFunction(() => globalThis.told)).jsonValue();
}

/** Runs the code of a piece, with a client that is connected; then `told` is what `end` gives. */
const withClient = (window, start, code, end) =>
  run(
    window,
    `const client = new StellarClient({ reconnect: { min: 20, max: 300 } });
     globalThis.client = client;
     await client.connect();
     ${start}\n${code}\nglobalThis.told = await (${end})();`,
  );

async function started(t, ...args) {
  const demo = await Demo.start(t, ...args);
  const window = await demo.plainWindow({ networkMayFail: true });
  await window.page.addScriptTag({ url: "/stellar-client" });
  return { demo, window };
}

piece("Load the client, html 1", async (t, code) => {
  const folder = await temporary(t);
  const end = "globalThis.told = client.state;\n</script>\n";
  const body = code.replace(/<\/script>\n$/, end);
  assert.ok(body.endsWith(end));
  await writeFile(join(folder, "index.html"), `<!doctype html><link rel="icon" href="data:,">${body}`);
  const demo = await Demo.start(t, "--set", `public=["${folder}"]`);
  const { page } = await demo.window();
  await page.waitForFunction(() => globalThis.told === "connected");
});

piece("Load the client, js 1", async (t, code) => {
  const { demo, window } = await started(t);
  const here = code.replace("https://example.org", demo.server.url);
  assert.notEqual(here, code);
  const more = "await client.connect();\nglobalThis.told = [client.state, client.options.url];";
  const told = await run(window, await bundle(`${here}\n${more}`, "js"));
  assert.deepEqual(told, ["connected", `${demo.server.url}/`]);
});

piece("Call an action, js 1", async (t, code) => {
  const { window } = await started(t);
  assert.equal(await withClient(window, "", code, "() => sum"), 3);
  // And before there is a connection.
  await window.page.reload();
  await window.page.addScriptTag({ url: "/stellar-client" });
  const start = "const client = new StellarClient();";
  const end = "globalThis.told = [sum, client.state];";
  assert.deepEqual(await run(window, `${start}\n${code}\n${end}`), [3, "idle"]);
});

piece("Send messages in a room, js 1", async (t, code) => {
  const { window } = await started(t);
  const start = "const shown = new Promise((resolve) => { globalThis.show = (...all) => resolve(all); });";
  const end = "async () => [await shown, client.id, membersCount]";
  const [[room, from, message], id, members] = await withClient(window, start, code, end);
  assert.deepEqual([room, from, message, members], ["lobby", id, { text: "Hello" }, 1]);
});

piece("Send messages in a room, js 2", async (t, code) => {
  const { window } = await started(t);
  const start = `const moved = new Promise((resolve) => { globalThis.move = resolve; });
    await client.join("lobby");`;
  assert.equal(await withClient(window, start, code, "() => moved"), "e4");
});

piece("Handle errors, js 1", async (t, code) => {
  const { window } = await started(t);
  const start = "const console = { log: (...all) => { globalThis.logged = all.join(' '); } };";
  const [, promised] = code.match(/console\.log\(.*\); \/\/ (.*)/);
  assert.equal(await withClient(window, start, code, "() => logged"), promised);
});

piece("Reconnect, js 1", async (t, code) => {
  const { demo, window } = await started(t);
  const start = `globalThis.shown = [];
    const badge = { set textContent(state) { shown.push(state); } };
    globalThis.refreshed = 0;
    const refresh = () => globalThis.refreshed++;`;
  await withClient(window, start, code, "() => true");
  await demo.server.kill();
  await window.page.waitForFunction(() => shown.includes("reconnecting"));
  await demo.server.restart();
  await window.page.waitForFunction(() => globalThis.refreshed === 1);
  await window.page.evaluate(() => client.disconnect());
  const shown = await window.page.evaluate(() => [...new Set(shown)]);
  assert.deepEqual(shown, ["reconnecting", "connected", "closed"]);
  const listed = code.match(/\/\/ (connecting, .*)/)[1].split(", ");
  assert.deepEqual(
    shown.filter((state) => !listed.includes(state)),
    [],
  );
  // The table below the piece has the same.
  const rows = [...guide.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].map(([, names]) => names);
  assert.deepEqual([...rows.join().matchAll(/\w+/g)].flat().sort(), listed.sort());
});

piece("React and Vue, jsx 1", async (t, code) => {
  const { window } = await started(t);
  const page = `import { createRoot } from "react-dom/client";
    import { StellarClient } from "stellar-client";
    const client = new StellarClient();
    document.body.innerHTML = "<main></main>";
    createRoot(document.querySelector("main")).render(<Chat client={client} />);
    await client.connect();
    const other = new StellarClient();
    await other.connect();
    await other.join("lobby");
    const isThere = async () => (await other.roomView("lobby")).membersCount === 2;
    while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 5));
    await other.say("lobby", { text: "Hello" });
    globalThis.told = true;`;
  await run(window, await bundle(`${code}\n${page}`, "jsx"));
  await window.page.locator("main p", { hasText: /^Hello$/ }).waitFor();
  // The comment says that there is the same for Vue.
  const [, other] = code.match(/\/\/ or (\S+)/);
  const { exports } = JSON.parse(await readFile(`${root}client/package.json`, "utf8"));
  const { import: vue } = exports[`.${other.slice("stellar-client".length)}`];
  assert.match(await readFile(`${root}client/${vue.default}`, "utf8"), /\buseRoom\b/);
});

piece("TypeScript, ts 1", async (t, code) => {
  const { demo, window } = await started(t);
  const folder = await temporary(t);
  const types = await (await fetch(`${demo.server.url}/stellar-client.d.ts`)).text();
  await writeFile(join(folder, "stellar-client.d.ts"), types);
  await symlink(`${root}client/node_modules`, join(folder, "node_modules"));
  const options = {
    ...{ strict: true, noEmit: true, module: "ESNext", target: "ES2022", types: [] },
    moduleResolution: "Bundler",
    lib: ["ES2023", "DOM", "DOM.Iterable"],
    paths: { "stellar-client": [`${root}client/dist/types/index.d.mts`] },
  };
  const check = async (text) => {
    await writeFile(join(folder, "guide.ts"), text);
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, files: ["guide.ts"] }),
    );
    const tsc = `${root}client/node_modules/typescript/bin/tsc`;
    execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
  };
  await check(code);
  // Both ways: what goes in, and what comes out.
  const told = ({ stdout }) => /error TS/.test(stdout);
  await assert.rejects(check(code.replace(", b: 2", "")), told);
  await assert.rejects(check(`${code}\nconst text: string = sum;`), told);
  const more = "globalThis.told = sum;";
  assert.equal(await run(window, await bundle(`${code}\n${more}`, "ts")), 3);
});
