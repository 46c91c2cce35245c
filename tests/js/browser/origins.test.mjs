// Pages of other origins, in Chromium: one without any, as in a sandbox, and one of another port. What
// they may read by requests is up to the browser, which holds the server's answers to the rules.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";
import { browser } from "../support/demo.mjs";
import { compat } from "../support/server.mjs";

const bundle = createRequire(import.meta.url).resolve("sockjs-client/dist/sockjs.min.js");
const script = readFileSync(bundle, "utf8");

/** A page of a server of its own; sandboxed, it has no origin. */
async function pageOf(test, sandboxed) {
  const headers = sandboxed ? { "content-security-policy": "sandbox allow-scripts" } : {};
  const server = createServer((_, response) => response.writeHead(200, headers).end("A page\n"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}`;
  const context = await browser.newContext();
  test.after(async () => {
    await context.close();
    server.closeAllConnections();
    server.close();
  });
  const page = await context.newPage();
  await page.goto(url);
  return { page, origin: sandboxed ? "null" : url };
}

const allowing = (test, engine, origin) =>
  compat(test, "--transport", engine, "--set", `server.origins={list=["${origin}"]}`);

for (const [name, sandboxed] of [["no origin", true], ["another origin", false]]) {
  for (const [engine, block, way] of [
    ["ws", false, undefined],
    ["engine.io", false, "websocket"],
    ["engine.io", true, "polling"],
    ["socket.io", true, "polling"],
    ["sockjs", false, "websocket"],
    ["sockjs", true, "xhr_streaming"],
  ]) {
    test(`a page of ${name} that may connect: stellar-client, ${engine}, ${way ?? "websocket"}`, async (t) => {
      const { page, origin } = await pageOf(t, sandboxed);
      assert.equal(await page.evaluate(() => self.origin), origin);
      const server = await allowing(t, engine, origin);
      await page.addScriptTag({ url: `${server.url}/stellar-client` });
      const told = await page.evaluate(
        async ([url, engine, block]) => {
          if (block) {
            globalThis.WebSocket = class {
              constructor() {
                throw new Error("WebSockets are blocked");
              }
            };
          }
          const client = new StellarClient({ url, transports: [engine] });
          await client.connect();
          const { payload } = await client.action("echo", { payload: "100% %41" });
          const { way } = client.transport;
          await client.disconnect();
          return { payload, way };
        },
        [server.url, engine, block],
      );
      assert.deepEqual(told, { payload: "100% %41", way });
    });
  }

  // On a page without an origin the client tries no XMLHttpRequest.
  const ways = sandboxed ? ["eventsource"] : ["xhr-streaming", "eventsource", "xhr-polling"];
  for (const way of ways) {
    test(`a page of ${name} that may connect: sockjs-client, ${way}`, async (t) => {
      const { page, origin } = await pageOf(t, sandboxed);
      const server = await allowing(t, "sockjs", origin);
      await page.addScriptTag({ content: script });
      const welcome = await page.evaluate(
        ([url, way]) =>
          new Promise((resolve, reject) => {
            const client = new SockJS(`${url}/sockjs`, null, { transports: way, timeout: 30_000 });
            client.onmessage = ({ data }) => {
              resolve(data);
              client.close();
            };
            client.onclose = ({ code, reason }) => reject(new Error(`${code} ${reason}`));
          }),
        [server.url, way],
      );
      assert.match(welcome, /Welcome to Stellar/);
    });
  }

  test(`a page of ${name} that may not connect reads that and no more`, async (t) => {
    const { page } = await pageOf(t, sandboxed);
    const server = await allowing(t, "ws,engine.io,sockjs", "https://listed.example");
    const refusal = { status: 403, error: "Origin not allowed" };
    for (const [path, method, expected] of [
      ["/ws", "GET", refusal],
      ["/engine.io/?EIO=4&transport=polling", "GET", refusal],
      ["/sockjs/000/session/xhr", "POST", refusal],
      ["/sockjs/info", "GET", "TypeError: Failed to fetch"],
    ]) {
      const read = await page.evaluate(
        ([url, method]) =>
          fetch(url, { method, credentials: "include" })
            .then(async (answer) => ({ status: answer.status, ...(await answer.json()) }))
            .catch(String),
        [server.url + path, method],
      );
      assert.deepEqual(read, expected, path);
    }
  });

  test(`a page of ${name} that may connect reads why it is refused, over every engine`, async (t) => {
    const { page, origin } = await pageOf(t, sandboxed);
    const server = await allowing(t, "ws,engine.io,sockjs", origin);
    for (const [path, method] of [
      ["/ws?", "GET"],
      ["/engine.io/?EIO=4&transport=polling&", "GET"],
      ["/sockjs/000/session/xhr?", "POST"],
    ]) {
      const read = await page.evaluate(
        ([url, method]) =>
          fetch(url, { method, credentials: "include" })
            .then(async (answer) => ({ status: answer.status, ...(await answer.json()) }))
            .catch(String),
        [`${server.url}${path}refuse=100%25`, method],
      );
      assert.deepEqual(read, { status: 401, error: "100%" }, path);
    }
  });
}
