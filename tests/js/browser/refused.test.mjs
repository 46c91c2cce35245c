// A page of an origin that may not connect: its client says that it is refused, over every engine and
// in every way, and the server's log says why.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { browser } from "../support/demo.mjs";
import { chat } from "../support/server.mjs";
import { until } from "../support/until.mjs";

/** A page of another origin, with the client of a server. */
async function elsewhere(t, server) {
  const other = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<!doctype html><script src="${server.url}/stellar-client"></script>`);
  });
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.closeAllConnections() ?? other.close());
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const url = `http://127.0.0.1:${other.address().port}`;
  await page.goto(url);
  return { page, url };
}

/** What becomes of a client in the page, without WebSockets if so told. */
const connect = (page, options, sockets = true) =>
  page.evaluate(
    async ([options, sockets]) => {
      class None {
        constructor() {
          throw new Error("None here");
        }
      }
      const client = new StellarClient(sockets ? options : { ...options, WebSocket: None });
      const attempts = [];
      client.on("reconnecting", ({ attempt }) => attempts.push(attempt));
      try {
        await client.connect();
        return "connected";
      } catch ({ code, message, status }) {
        return { code, message, status, state: client.state, attempts };
      } finally {
        await client.disconnect();
      }
    },
    [options, sockets],
  );

const refusal = { code: "refused", message: "Origin not allowed", status: 403, state: "refused", attempts: [] };

for (const engine of ["ws", "engine.io", "socket.io", "sockjs"]) {
  test(`${engine}: the client is refused, and the log has one line for the origin`, async (t) => {
    const server = await chat(t, "--transport", engine);
    const { page, url } = await elsewhere(t, server);
    const options = { url: server.url, transports: [engine] };
    const ways = engine === "ws" ? [true] : [true, false];
    for (const sockets of [...ways, ...ways]) {
      assert.deepEqual(await connect(page, options, sockets), refusal);
    }
    const lines = server.output.split("\n").filter((line) => line.includes("server.origins"));
    assert.equal(lines.length, 1, server.output);
    assert.match(lines[0], /WARN/);
    assert.ok(lines[0].includes(url), lines[0]);
    assert.ok(lines[0].includes(new URL(server.url).host), lines[0]);
  });

  test(`${engine}: with the setting that the log names the page may connect`, async (t) => {
    const server = await chat(t, "--transport", engine, "--set", 'server.origins="any"');
    const { page } = await elsewhere(t, server);
    assert.equal(await connect(page, { url: server.url, transports: [engine] }), "connected");
    assert.doesNotMatch(server.output, /server\.origins.*WARN|WARN.*server\.origins/);
  });
}

test("several engines: the first answer is enough", async (t) => {
  const all = ["ws", "engine.io", "socket.io", "sockjs"];
  const server = await chat(t, "--transport", all.join(","));
  const { page } = await elsewhere(t, server);
  assert.deepEqual(await connect(page, { url: server.url, transports: all }), refusal);
});

test("the HTTP API: the page reads nothing, and the log says which setting lets it", async (t) => {
  const server = await chat(t);
  const { page, url } = await elsewhere(t, server);
  const call = () =>
    page.evaluate(
      (url) =>
        new StellarClient({ url }).action("randomNumber").then(
          () => "answered",
          ({ code }) => code,
        ),
      server.url,
    );
  assert.equal(await call(), "offline");
  assert.equal(await call(), "offline");
  const named = () => server.output.split("\n").filter((line) => line.includes("cors.origins"));
  await until(() => named().length, "a line");
  assert.equal(named().length, 1, server.output);
  assert.ok(named()[0].includes(url), named()[0]);
  // A page of the server's own is no stranger, also with an origin in its requests.
  const own = await (await browser.newContext()).newPage();
  await own.goto(server.url);
  const { code } = await own.evaluate(() => fetch("/api/randomNumber", { method: "POST" }).then(({ status }) => ({ code: status })));
  assert.equal(code, 200);
  assert.equal(named().length, 1);
  await own.context().close();
});
