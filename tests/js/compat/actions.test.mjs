// Every action of the application of StellarFW's tests, by name and with its exact answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Compat } from "../support/compat.mjs";
import { parsers, versions } from "../support/primus.mjs";

const coded = (code, message) => ({ error: { code, message } });
const unknown = (name) => coded("004", `Unknown action (${name}) or invalid apiVersion`);
const wrongType = (param, expected) => ({
  [param]: { code: "003", message: `Param '${param}' has an invalid type, expected ${expected}` },
});

for (const version of versions) {
  for (const parser of parsers) {
    test(`primus ${version}, ${parser}: every action that is no rule`, async (t) => {
      const it = await Compat.start(t, { version, parser });

      const random = async (answer) => {
        assert.deepEqual(Object.keys(answer), ["number"]);
        assert.ok(answer.number >= 0 && answer.number < 1, String(answer.number));
        return answer.number;
      };
      const drawn = await random(await it.call("randomNumber"));
      const [status, second] = await it.post("randomNumber");
      assert.equal(status, 200);
      assert.notEqual(await random(second), drawn);

      const { uptime, stellarVersion, ...told } = await it.call("status");
      assert.ok(Number.isInteger(uptime) && uptime >= 0);
      assert.match(stellarVersion, /^\d+\.\d+\.\d+/);
      assert.deepEqual(told, { id: "compat", connections: 1, problems: [] });

      const nap = await it.call("sleep", { sleepDuration: 20 });
      assert.equal(nap.sleepDelta, nap.sleepEnded - nap.sleepStarted);
      assert.equal(nap.sleepDuration, 20);
      assert.equal((await it.call("sleep", { sleepDuration: "1" })).sleepDuration, 1);
      await it.both("sleep", { sleepDuration: "long" }, {
        error: wrongType("sleepDuration", "integer"),
      });
      await it.both("sleep", { sleepDuration: 60_001 }, {
        error: "That is longer than 60000 milliseconds",
      });

      const { cacheTestResults } = await it.call("cacheTest", { key: "k", value: { v: [1] } });
      const { loadResp, ...saved } = cacheTestResults;
      assert.deepEqual(saved, { saveResp: true, sizeResp: 1, deleteResp: true });
      const { expireTimestamp, createdAt, readAt, ...loaded } = loadResp;
      assert.deepEqual(loaded, { key: "cache_test_k", value: { v: [1] } });
      assert.equal(expireTimestamp, createdAt + 5_000);
      assert.ok(readAt >= createdAt);
      const required = (name) => ({ [name]: `The ${name} field is required.` });
      await it.both("cacheTest", {}, { error: { ...required("key"), ...required("value") } });
      await it.both("cacheTest", { key: "k" }, { error: required("value") });

      await it.both("sumANumber", { a: 3, b: 4 }, coded("002", "The action 'sumANumber' is private"));
      await it.both("formattedSum", { a: 3, b: 4 }, { formatted: "3 + 4 = 7" });
      await it.both("formattedSum", { a: "3", b: "-4" }, { formatted: "3 + -4 = -1" });
      await it.both("formattedSum", { a: 3 }, { error: required("b") });
      await it.both("formattedSum", { a: 1.5, b: 1 }, { error: wrongType("a", "integer") });

      await it.both("isolated.action", {}, { success: "ok" });
      const newest = { version: 2, news: "new version" };
      await it.both("versionedAction", {}, newest);
      await it.both("versionedAction", { apiVersion: 1 }, { version: 1 });
      await it.both("versionedAction", { apiVersion: 2 }, newest);
      assert.deepEqual(await it.call("versionedAction", { apiVersion: 3 }), unknown("versionedAction"));
      const [missing, answer] = await it.post("versionedAction", { apiVersion: 3 });
      assert.deepEqual([missing, answer], [404, unknown("versionedAction")]);

      for (const payload of [null, 0, "", "text \u{1f680}", [1, [2]], { deep: { er: true } }]) {
        await it.both("echo", { payload }, { payload });
      }
      await it.both("echo", {}, {});
      assert.deepEqual(await it.call("nothing"), unknown("nothing"));
      assert.deepEqual(await it.post("nothing"), [404, unknown("nothing")]);
    });
  }
}

test("over HTTP: by path, by query, by form, and whom it is for", async (t) => {
  const it = await Compat.start(t);
  for (const path of ["/api/formattedSum?a=3&b=4", "/api?action=formattedSum&a=3&b=4"]) {
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const { status, body } = await it.http(path, { method });
      assert.deepEqual([status, body], [200, { formatted: "3 + 4 = 7" }], `${method} ${path}`);
    }
  }
  for (const body of [new URLSearchParams({ a: 3, b: 4 }), new FormData()]) {
    if (body instanceof FormData) {
      body.append("a", "3");
      body.append("b", "4");
    }
    const reply = await it.http("/api/formattedSum?a=9", { method: "POST", body });
    assert.deepEqual([reply.status, reply.body], [200, { formatted: "3 + 4 = 7" }]);
  }
  const { body } = await it.http("/api/versionedAction?apiVersion=1");
  assert.deepEqual(body, { version: 1 });
  const list = { method: "POST", headers: { "content-type": "application/json" }, body: "[1,2]" };
  assert.deepEqual((await it.http("/api/echo", list)).body, { payload: [1, 2] });

  const { headers } = await it.http("/api/randomNumber", { headers: { origin: "https://a.example" } });
  assert.equal(headers.get("access-control-allow-origin"), "*");
  const preflight = await fetch(`${it.server.url}/api/randomNumber`, {
    method: "OPTIONS",
    headers: {
      origin: "https://a.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    },
  });
  assert.equal(preflight.status, 200);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
  assert.match(preflight.headers.get("access-control-allow-methods"), /POST/);
  assert.match(preflight.headers.get("access-control-allow-headers"), /content-type/i);
});

test("the action end closes for good, or asks to come again", async (t) => {
  const it = await Compat.start(t);
  const ended = new Promise((resolve) => it.client.once("end", resolve));
  const back = new Promise((resolve) => it.client.once("reconnected", resolve));
  it.client.write({ event: "action", params: { action: "end", reconnect: true } });
  await back;
  it.client.write({ event: "action", params: { action: "end" } });
  await ended;
  assert.equal(it.client.readyState, it.client.constructor.CLOSED);
});
