// The schemas say what the server does: what they let through it takes, and what it takes of the
// types they name they let through.
import assert from "node:assert/strict";
import { test } from "node:test";
import Draft7 from "ajv";
import Ajv from "ajv/dist/2020.js";
import { observatory } from "../support/server.mjs";
import { connect, exchange } from "../support/ws.mjs";

/** Parameters that are right, of each action that has some. */
const right = {
  "action.observe": { position: [83.8, -5.4], minutes: 3 },
  "action.observe.v1": { apiVersion: 1, target: "M 42", minutes: 20 },
  "action.plan": { from: "2030-01-01", to: "2030-01-02", mail: "ann@example.com" },
  "action.satellite": { id: "1957-001B" },
  "action.orbit": { id: "1957-001B", apogee: 939, perigee: 215 },
  "action.forget": { satellite: "x" },
  "action.register": {
    ...{ name: "ann_1", password: "long enough", password_confirmation: "long enough" },
    code: "abc",
  },
};

const values = [
  ...["", "a", "ab", "Ann-1_2", "ä", "red", "none", "root", "true", "7", "x".repeat(41)],
  ...["ann@example.com", "https://example.com/", "192.0.2.1", "::1", "{}", "1957-001B", "1957-001"],
  ...["2030-06-01", "2019-01-01", "2101-01-01T00:00:00Z", "long enough", "y".repeat(300), " "],
  ...[0, 1, 2, 3, -1, 0.5, 0.4, 8, 8.5, 1.5, 120, 121, 100, 101, 1e15],
  ...[true, false, [], [1], [1, 2], [1, 2, 3], Array(9).fill("a"), {}, { a: 1 }],
];

/** What keywords cannot say: comparisons, dates, and the formats that validators only note. */
const unsaid = new Set([
  ...["plan.from", "plan.to", "plan.mail", "plan.page", "plan.camera", "plan.layout"],
  ...["plan.backup", "orbit.frame", "register.password", "register.password_confirmation"],
  ...["register.code", "register.nickname"],
]);

const kindOf = (value) =>
  Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;

test("schemas and server agree", async (t) => {
  const server = await observatory(t);
  const { components } = await (await fetch(`${server.url}/docs/openapi.json`)).json();
  const messages = await (await fetch(`${server.url}/docs/asyncapi.json`)).json();
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const socket = await connect(t, server.ws);
  const takes = async (id, params) => {
    const action = id.split(".")[1];
    const answer = await exchange(
      socket,
      JSON.stringify({ event: "action", params: { action, ...params } }),
    );
    return JSON.parse(answer).error === undefined;
  };
  // The welcome may still be on its way.
  await takes("action.status", {});
  let judged = 0;
  for (const [id, params] of Object.entries(right)) {
    const schema = messages.components.schemas[id];
    if (components.schemas[id]) assert.deepEqual(components.schemas[id], schema);
    const fits = ajv.compile(schema);
    assert.ok(fits(params) && (await takes(id, params)), `${id}: what is right`);
    for (const [name, field] of Object.entries(schema.properties)) {
      const types = [field.type ?? []].flat();
      const key = `${id.split(".")[1]}.${name}`;
      for (const value of values) {
        const changed = { ...params, [name]: value };
        const [said, done] = [fits(changed), await takes(id, changed)];
        const told = `${id}, ${JSON.stringify(changed)}`;
        if (said && !unsaid.has(key)) assert.ok(done, `the server refuses ${told}`);
        const kind = kindOf(value);
        const named =
          !types.length || types.includes(kind) || (kind === "integer" && types.includes("number"));
        if (done && named) assert.ok(said, `the schema refuses ${told}`);
        judged += 1;
      }
      const { [name]: _, ...without } = params;
      assert.equal(fits(without), await takes(id, without), `${id} without ${name}`);
    }
  }
  assert.ok(judged > 1_000, `${judged}`);
});

const position = { rightAscension: 279.2, declination: 38.8 };
const vega = {
  ...{ name: "Vega", position, class: "dwarf" },
  brightness: { type: "apparent", magnitude: 0.03 },
};
/** Parameters of typed actions: which are taken, and which are not. */
const typed = {
  star: {
    taken: [
      vega,
      { ...vega, note: null, tags: ["a"], colours: { V: 1 }, discoveredIn: 1850 },
      { ...vega, companions: [{ name: "b", moons: [{ name: "c", moons: [] }] }] },
      { ...vega, brightness: { type: "variable", between: [1, 2], days: 3 } },
      { ...vega, observer: "ann@example.com", anything: 1 },
      { ...vega, position: { rightAscension: 360, declination: -90 } },
    ],
    refused: [
      {},
      { ...vega, name: "V" },
      { ...vega, name: "vega" },
      { ...vega, name: "V".repeat(41) },
      { ...vega, class: "Dwarf" },
      { ...vega, position: { rightAscension: 360.1, declination: 0 } },
      { ...vega, position: { rightAscension: 0 } },
      { ...vega, brightness: { type: "apparent" } },
      { ...vega, brightness: { type: "variable", between: [1], days: 3 } },
      { ...vega, brightness: { type: "variable", between: [1, 2], days: 70_000 } },
      { ...vega, companions: [{ name: "b", moons: [{ name: 1 }] }] },
      { ...vega, colours: { V: "x" } },
      { ...vega, discoveredIn: -1 },
      { ...vega, observer: "ann" },
    ],
  },
  filter: {
    taken: [
      { kind: "clear" },
      { kind: "band", of: { low: 1, high: 2 } },
      { kind: "colours", of: ["Red", "Blue"], exposure: 600 },
    ],
    refused: [
      {},
      { kind: "band" },
      { kind: "band", of: ["Red"] },
      { kind: "colours", of: ["red"] },
      { kind: "clear", exposure: 601 },
      { kind: "Clear" },
    ],
  },
  find: {
    taken: [
      { wanted: 7 },
      { wanted: "Vega", most: 100 },
      { wanted: { position, degrees: 2 }, classes: null },
      { wanted: 0, classes: ["giant"] },
    ],
    refused: [
      {},
      { wanted: true },
      { wanted: { position } },
      { wanted: { position: { ...position, declination: 91 }, degrees: 1 } },
      { wanted: 1, most: 0 },
      { wanted: 1, most: 101 },
      { wanted: 1, classes: "giant" },
    ],
  },
  rename: {
    taken: [
      { names: {}, within: [1, 2] },
      { names: { 1: "Vega" }, within: [1, 2] },
    ],
    refused: [{}, { names: { a: "Vega" }, within: [1, 2] }, { names: {}, within: [1, 2, 3] }],
  },
};

test("schemas of Rust types and server agree", async (t) => {
  const server = await observatory(t);
  const documents = {};
  for (const name of ["openapi", "asyncapi"]) {
    documents[name] = await (await fetch(`${server.url}/docs/${name}.json`)).json();
  }
  const { openapi, asyncapi } = documents;
  const newest = new Ajv({ strict: false, validateFormats: true, formats: { email: /@/ } });
  newest.addSchema({ ...openapi, $id: "http://x/o" });
  const older = new Draft7({ strict: false, validateFormats: true, formats: { email: /@/ } });
  older.addSchema({ ...asyncapi, $id: "http://x/a" });
  const socket = await connect(t, server.ws);
  const ask = async (params) =>
    JSON.parse(await exchange(socket, JSON.stringify({ event: "action", params })));
  await ask({ action: "status" });
  const pointer = (text) => text.replaceAll("/", "~1");
  for (const [action, { taken, refused }] of Object.entries(typed)) {
    const id = `#/components/schemas/action.${action}`;
    const judges = [newest.getSchema(`http://x/o${id}`), older.getSchema(`http://x/a${id}`)];
    const answers = [
      newest.getSchema(
        `http://x/o#/paths/${pointer(`/api/${action}`)}/post/responses/200/content/${pointer("application/json")}/schema`,
      ),
      older.getSchema(`http://x/a#/components/messages/response.action.${action}/payload`),
    ];
    for (const params of taken) {
      const told = `${action}, ${JSON.stringify(params)}`;
      for (const judge of judges) assert.ok(judge(params), `the schema refuses ${told}`);
      const answer = await ask({ action, ...params });
      assert.equal(answer.error, undefined, `the server refuses ${told}`);
      assert.ok(answers[1](answer), `AsyncAPI has another answer to ${told}`);
      const post = await fetch(`${server.url}/api/${action}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(params),
      });
      assert.equal(post.status, 200, told);
      assert.ok(answers[0](await post.json()), `OpenAPI has another answer to ${told}`);
    }
    for (const params of refused) {
      const told = `${action}, ${JSON.stringify(params)}`;
      for (const judge of judges) assert.ok(!judge(params), `the schema takes ${told}`);
      assert.ok((await ask({ action, ...params })).error, `the server takes ${told}`);
    }
  }
  // A sentence for the bound of a value, wherever it is.
  const far = { ...vega, position: { rightAscension: 361, declination: 91 } };
  assert.deepEqual((await ask({ action: "star", ...far })).error, {
    "position.rightAscension": "The position.rightAscension must be between 0 and 360.",
    "position.declination": "The position.declination must be between -90 and 90.",
  });
});
