// The documents of tools, judged by tools: OpenAPI by Redocly, AsyncAPI by its own parser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Parser } from "@asyncapi/parser";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { observatory } from "../support/server.mjs";

const kinds = {
  "declared inputs of every kind": [],
  "names that are hard to show": ["--odd"],
  "no actions": ["--empty"],
  "every engine": ["--transport", "ws,engineio,socketio,sockjs"],
  MessagePack: ["--parser", "msgpack"],
};

const get = async (server, path) => {
  const answer = await fetch(server.url + path);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
  return answer.text();
};

for (const [title, args] of Object.entries(kinds)) {
  test(`OpenAPI: ${title}`, async (t) => {
    const server = await observatory(t, ...args);
    const source = await get(server, "/docs/openapi.json");
    const config = await createConfig({
      extends: ["recommended-strict"],
      rules: {
        // A server does not know under whose licence its application is.
        "info-license": "off",
        "info-license-strict": "off",
        "no-server-example.com": "off",
        // Names are the application's: two of them may well read alike.
        "no-ambiguous-paths": "off",
      },
    });
    const problems = await lintFromString({ source, config, absoluteRef: "/docs/openapi.json" });
    const told = problems.map(
      ({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ""}`,
    );
    assert.deepEqual(told, []);
  });

  test(`AsyncAPI: ${title}`, async (t) => {
    const server = await observatory(t, ...args);
    const { document, diagnostics } = await new Parser().parse(
      await get(server, "/docs/asyncapi.json"),
    );
    const faults = diagnostics
      .filter(({ code }) => !expected.has(code))
      .map(({ code, message, path }) => `${code}: ${message} ${path.join("/")}`);
    assert.deepEqual(faults, []);
    assert.ok(document, "it was read");
  });
}

// Advice on what only the application could tell, and on later versions.
const expected = new Set([
  "asyncapi-latest-version",
  "asyncapi3-tags",
  "asyncapi-id",
  "asyncapi-info-contact",
  "asyncapi-info-license",
]);

test("every action and route is there, and no private one", async (t) => {
  const server = await observatory(t);
  const { paths } = JSON.parse(await get(server, "/docs/openapi.json"));
  const methods = Object.entries(paths).map(([path, item]) => [path, Object.keys(item).join()]);
  const called = "get,post";
  assert.deepEqual(Object.fromEntries(methods), {
    "/api/filter": called,
    // They need an object, for which a query has no word.
    "/api/star": "post",
    "/api/find": "post",
    "/api/rename": "post",
    "/api/sky": called,
    "/api/count": called,
    "/api/refuse": called,
    "/api/ping": called,
    "/api/register": called,
    "/api/observe": called,
    "/api/blink": called,
    "/api/forget": called,
    "/api/orbit": called,
    "/api/satellite": called,
    "/api/status": called,
    "/api/time": called,
    "/api/satellites/{id}": "get,delete",
    "/api/satellites/{id}/orbit": "put",
    "/api/now": "get,post,put,patch,delete",
  });
  // Two names for one place of a path: the first is told, and the second still is no parameter.
  const { parameters } = paths["/api/satellites/{id}"].delete;
  assert.deepEqual(parameters.map(({ name, in: place }) => [name, place]), [["id", "path"]]);

  const { channels, operations } = JSON.parse(await get(server, "/docs/asyncapi.json"));
  const addresses = Object.entries(channels).map(([key, { address }]) => [key, address]);
  assert.deepEqual(addresses, [["primus", "/primus"], ["ws", "/ws"]]);
  assert.equal(operations["primus.action.plan"].action, "receive");
  assert.equal(operations["primus.push.chat"].action, "send");
  for (const path of ["/docs", "/docs/openapi.json", "/docs/asyncapi.json", "/stellar-client.d.ts"]) {
    assert.doesNotMatch(await (await fetch(server.url + path)).text(), /selfTest/, path);
  }
});
