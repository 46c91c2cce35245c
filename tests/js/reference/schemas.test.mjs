// The schemas say what the server does: what they let through it takes, and what it takes of the
// types they name they let through.
import assert from "node:assert/strict";
import { test } from "node:test";
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
