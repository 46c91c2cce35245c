// The types of the declared actions, judged by TypeScript.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { observatory, root } from "../support/server.mjs";

/** What a strict compiler says of a program that uses a server's types. */
async function compile(t, server, program = "export {};") {
  const folder = mkdtempSync(join(tmpdir(), "stellar-types-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const answer = await fetch(`${server.url}/stellar-client.d.ts`);
  assert.equal(answer.status, 200);
  const text = await answer.text();
  writeFileSync(join(folder, "actions.d.ts"), text);
  writeFileSync(join(folder, "program.ts"), program);
  const options = {
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
    paths: {
      "stellar-client": [`${root}/client/dist/types/index.d.mts`],
      "stellar-client/*": [`${root}/client/dist/types/*.d.mts`],
    },
  };
  const files = ["actions.d.ts", "program.ts"].map((name) => join(folder, name));
  const faults = ts.getPreEmitDiagnostics(ts.createProgram(files, options));
  const told = faults.map(({ file, start, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName.split("/").at(-1)}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
  return { text, told };
}

const program = `
import { createClient, StellarClient } from "stellar-client";
import type { StellarActions, Typed } from "./actions";

const client = new StellarClient() as Typed<StellarClient>;
await client.connect();
const { open, seeing, guests } = await client.action("status");
const facts: [boolean, number, string[]] = [open, seeing, guests];
const said: string = (await client.action("time")).data;
const { id, positions } = await client.action("observe", { position: [1, 2], minutes: 3 });
const place: number | undefined = positions[0]?.[0];
await client.action("observe", { position: [], minutes: 3 }, { timeout: 100 });
const old = await client.action("observe", { apiVersion: 1, target: "M 42", minutes: 3, filter: "red" });
const queue: number = old.queue;
await client.action("blink", { times: 2 });
await client.action("blink");
await client.action("register", {
  name: "a", password: "b", password_confirmation: "b", code: "c",
});
const params: StellarActions["plan"]["params"] = { from: 1, to: "2030-01-01", mail: "a@b.c" };
client.action("plan", params, (answer, error) => console.log(answer.context, error));
// Nothing is declared of what it takes, so that it may be anything.
await client.action("time", { zone: "UTC", places: [1] });
const orbit: { apogee: number } = (await client.action("satellite", { id: "x" })).orbit;

const made = createClient<StellarActions>({ url: "http://localhost" });
const same: string = (await made.action("time")).data;

// @ts-expect-error there is no such action
await made.action("stargaze");
// @ts-expect-error of the wrong type
await made.action("observe", { position: [], minutes: "3" });
// @ts-expect-error there is no such action
await client.action("stargaze");
// @ts-expect-error it is private
await client.action("selfTest");
// @ts-expect-error an input is missing
await client.action("observe", { minutes: 3 });
// @ts-expect-error inputs are missing
await client.action("observe");
// @ts-expect-error of the wrong type
await client.action("observe", { position: [], minutes: "3" });
// @ts-expect-error none of the values
await client.action("blink", { times: 4 });
// @ts-expect-error there is no such version
await client.action("observe", { apiVersion: 3, target: "M 42", minutes: 3 });
// @ts-expect-error there is no such field
(await client.action("status")).closed;
// @ts-expect-error it takes no parameters
await client.action("status", { a: 1 });
console.log(facts, said, same, id, place, queue, orbit);
`;

test("a typed client knows the actions", async (t) => {
  const server = await observatory(t);
  const { text, told } = await compile(t, server, program);
  assert.deepEqual(told, []);
  assert.match(text, /^ {2}"status": [^]*?params: Record<string, never>;/m);
  assert.match(text, /^ {2}"time": \{\n {4}params: Record<string, unknown>;\n {4}result: \{ data: string \};/m);
  assert.match(text, / \* What to look at, by its name in the catalogue/);
  assert.doesNotMatch(text, /selfTest/);
});

/** The hooks of one framework, with a client of either kind. */
const hooks = (framework, last) => `
import { createClient, StellarClient } from "stellar-client";
import { useAction, useConnection, useRoom, useStellarEvent } from "stellar-client/${framework}";
import type { StellarActions, Typed } from "./actions";

const typed = new StellarClient() as Typed<StellarClient>;
for (const client of [typed, createClient<StellarActions>()]) {
  const { answer, call } = useAction(client, "observe");
  const sent: string = (await call({ position: [1, 2], minutes: 3 }, { timeout: 5 })).id;
  const seen: string | undefined = answer${last}?.id;
  const text: string = (await useAction(client, "time").call()).data;
  await useAction(client, "blink").call({ times: 2 });
  useConnection(client);
  useRoom(client, "lobby");
  useStellarEvent(client, "connected", () => {});
  // @ts-expect-error there is no such action
  useAction(client, "stargaze");
  // @ts-expect-error an input is missing
  await call({ minutes: 3 });
  // @ts-expect-error inputs are missing
  await call();
  // @ts-expect-error none of the values
  await useAction(client, "blink").call({ times: 4 });
  console.log(sent, seen, text);
}
`;

for (const [framework, last] of [
  ["react", ""],
  ["vue", ".value"],
]) {
  test(`the hooks of ${framework} know the actions of a typed client`, async (t) => {
    const { told } = await compile(t, await observatory(t), hooks(framework, last));
    assert.deepEqual(told, []);
  });
}

const typed = `
import { StellarClient } from "stellar-client";
import type { StellarActions, StellarTypes, Typed } from "./actions";

const client = new StellarClient() as Typed<StellarClient>;
const position = { rightAscension: 279.2, declination: 38.8 };
const vega = {
  name: "Vega", position, class: "dwarf", brightness: { type: "apparent", magnitude: 0.03 },
} as const;

// Nested, renamed, flattened, optional, recursive; a map, and what is skipped.
const { companions, colours, discoveredIn, note } = await client.action("star", vega);
const moon: string | undefined = companions[0]?.moons[0]?.moons[0]?.name;
const colour: number | undefined = colours["V"];
const year: number | null = discoveredIn;
const noted: string | null = note;
await client.action("star", {
  ...vega, note: "bright", tags: ["lyra"], colours: { V: 0.03 }, discoveredIn: null,
  companions: [{ name: "b", moons: [{ name: "c" }] }], observer: "ann@example.com",
});
const bodies: StellarTypes.Body[] = [{ name: "b" }];
await client.action("star", { ...vega, companions: bodies });
await client.action("star", {
  ...vega, brightness: { type: "variable", between: [1, 2], days: 10 }, class: "binary",
});
await client.action("star", { ...vega, brightness: { type: "unknown" } });
// @ts-expect-error its name is another one to clients
await client.action("star", { ...vega, year: 1850 });
// @ts-expect-error it is skipped
await client.action("star", { ...vega, _checked: true });
// @ts-expect-error a field is missing
await client.action("star", { name: "Vega" });
// @ts-expect-error of the wrong type
await client.action("star", { ...vega, position: { rightAscension: "x", declination: 1 } });
// @ts-expect-error no such case
await client.action("star", { ...vega, class: "Dwarf" });
// @ts-expect-error a case without its field
await client.action("star", { ...vega, brightness: { type: "apparent" } });
// @ts-expect-error one more than the tuple has
await client.action("star", { ...vega, brightness: { type: "variable", between: [1, 2, 3], days: 1 } });
// @ts-expect-error of the wrong type, however deep
await client.action("star", { ...vega, companions: [{ name: "b", moons: [{ name: 1 }] }] });

// A tag beside what it says, and an input that is declared by hand.
await client.action("filter", { kind: "clear" });
await client.action("filter", { kind: "band", of: { low: 400, high: 500 }, exposure: 10 });
const set = await client.action("filter", { kind: "colours", of: ["Red"] });
const colour_of = set.kind === "colours" ? set.of[0] : set.kind === "band" ? set.of.low : undefined;
const first: "Red" | "Green" | "Blue" | number | undefined = colour_of;
// @ts-expect-error what belongs to another case
await client.action("filter", { kind: "band", of: ["Red"] });
// @ts-expect-error of the wrong type
await client.action("filter", { kind: "clear", exposure: "long" });

// Without a tag; an answer that is a text or an object.
await client.action("find", { wanted: 7 });
await client.action("find", { wanted: "Vega", most: 3, classes: ["giant"] });
const found = await client.action("find", { wanted: { position, degrees: 2 }, classes: null });
const many: string[] = "Many" in found ? found.Many.names : "One" in found ? [found.One] : [found.data];
// @ts-expect-error none of the cases
await client.action("find", { wanted: true });
// @ts-expect-error half of a case
await client.action("find", { wanted: { position } });

// Maps by number, arrays of so many places, and an answer without fields.
const renamed = await client.action("rename", { names: { 7: "Vega" }, within: [1, 10] });
const context: string | undefined = renamed.context;
await client.action("rename", { apiVersion: 2, names: {}, within: [1, 2] });
// @ts-expect-error it has no fields
renamed.data;
// @ts-expect-error one place too few
await client.action("rename", { names: {}, within: [1] });

const sky = await client.action("sky");
const [number, name]: [number, string | null] = sky["Lyra"]?.[0] ?? [0, null];
const count: number | null = (await client.action("count")).data;
// @ts-expect-error it takes no parameters, as its types say
await client.action("count", { a: 1 });
const params: StellarActions["find"]["params"] = { wanted: { position, degrees: 1 } };
console.log(moon, colour, year, noted, first, many, context, number, name, count, params);
`;

test("Rust types are types", async (t) => {
  const server = await observatory(t);
  const { text, told } = await compile(t, server, typed);
  assert.deepEqual(told, []);
  assert.match(text, /^ {2}\/\*\* A place in the sky \*\/\n {2}export type Position = \{/m);
  assert.match(text, / \* In degrees\n +\* between:0,360\n/);
});

test("names that are hard to show break nothing", async (t) => {
  const server = await observatory(t, "--odd");
  const { told } = await compile(
    t,
    server,
    `import type { StellarActions } from "./actions";
     type Odd = StellarActions["*/ export {}; /*"]["result"];
     const odd: Odd = { name: "", list: [""] };
     type Made = StellarActions["constructor"]["params"];
     const made: Made = { constructor: "*/" };
     export { odd, made };`,
  );
  assert.deepEqual(told, []);
});

test("no actions", async (t) => {
  const { told } = await compile(t, await observatory(t, "--empty"));
  assert.deepEqual(told, []);
});
