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
  assert.match(text, /^ {2}"time": \{\n {4}params: Record<string, never>;\n {4}result: \{ data: string \};/m);
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
