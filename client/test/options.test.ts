import assert from "node:assert/strict";
import { test } from "node:test";
import { serverError } from "../src/errors";
import { StellarClient } from "../src/index";
import { connectionUrl, resolve } from "../src/options";

test("the defaults", () => {
  const o = resolve({ url: "http://host:1" });
  assert.equal(o.path, "/primus");
  assert.equal(o.api, "/api");
  assert.equal(o.pingTimeout, 45000);
  assert.deepEqual(o.reconnect, { min: 500, max: 30000, factor: 2, retries: null });
});

test("what is given wins, and older spellings are understood", () => {
  const o = resolve({
    url: "wss://host/",
    apiPath: "/v1",
    pingInterval: 100,
    reconnect: { min: 1 },
  });
  assert.equal(o.url, "https://host/");
  assert.equal(o.api, "/v1");
  assert.equal(o.pingTimeout, 150);
  assert.deepEqual(o.reconnect, { min: 1, max: 30000, factor: 2, retries: null });
  assert.equal(resolve({ url: "http://host", reconnect: false }).reconnect, false);
});

test("null means the default, so that a server may leave a setting open", () => {
  const given: any = { url: "http://host", path: null, pingTimeout: null };
  const o = resolve({ ...given, reconnect: { max: null, retries: null, min: 7 } });
  assert.equal(o.path, "/primus");
  assert.equal(o.pingTimeout, 45000);
  assert.deepEqual(o.reconnect, { min: 7, max: 30000, factor: 2, retries: null });
});

test("the address keeps the query of the url and adds the one given", () => {
  const url = connectionUrl(resolve({ url: "http://host:1/?a=1" }), { sessionID: "x y" });
  assert.equal(url.pathname, "/primus");
  assert.equal(url.searchParams.get("a"), "1");
  assert.equal(url.searchParams.get("sessionID"), "x y");
});

test("a client that cannot work says so when it is made", () => {
  assert.throws(() => new StellarClient(), /url/);
  assert.throws(() => new StellarClient({ url: "http://h", transports: ["x" as any] }), /engine/i);
  assert.throws(() => new StellarClient({ url: "http://h", parser: "msgpack" }), /msgpack/);
  assert.equal(new StellarClient("http://h").state, "idle");
});

test("errors of every shape have a code and a message", () => {
  const coded = serverError({ code: "016", message: "not in room" });
  assert.deepEqual([coded.code, coded.message, coded.mayHaveRun], ["016", "not in room", false]);
  const text = serverError("went wrong");
  assert.deepEqual([text.code, text.message, text.error], ["error", "went wrong", "went wrong"]);
  const field = serverError({ a: "The a field is required." });
  assert.deepEqual([field.code, field.message], ["error", "The a field is required."]);
  const coded2 = serverError({ a: { code: "003", message: "invalid type" } });
  assert.deepEqual([coded2.code, coded2.message], ["003", "invalid type"]);
  assert.equal(serverError({}).code, "error");
});

test("what this build does not have is told at once, with a code", () => {
  const url = "http://host";
  const code = "unsupported";
  assert.throws(() => new StellarClient({ url, parser: "msgpack" }), { code, message: /msgpack/ });
  assert.throws(() => new StellarClient({ url, transports: ["mine" as any] }), { code, message: /mine/ });
});
