// sockjs-client's own bundle in Chromium, by each of its ways, from a page of the server's own
// origin and from one of another.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";
import { browser } from "../support/demo.mjs";
import { sockjs } from "../support/server.mjs";
import { texts as hostile } from "../support/texts.mjs";

const bundle = createRequire(import.meta.url).resolve("sockjs-client/dist/sockjs.min.js");
const script = readFileSync(bundle, "utf8");
const raw = ["--parser", "raw", "--heartbeat", "0"];
const direct = ["websocket", "xhr-streaming", "eventsource", "xhr-polling", "jsonp-polling"];
const framed = ["iframe-eventsource", "iframe-htmlfile", "iframe-xhr-polling"];
const origins = {
  // What only asks its own host, it does not do in a frame of it.
  own: [...direct, "htmlfile"],
  other: [...direct, ...framed],
};

/** Serves a page, and the script that it and the server's page for frames need. */
async function pages(test) {
  const pages = {};
  const server = createServer(({ url }, response) => {
    let [type, body] = ["text/html", "\n"];
    if (url === "/sockjs.js") [type, body] = ["text/javascript", script];
    if (url.startsWith("/lead/info")) {
      const info = { websocket: true, origins: ["*:*"], cookie_needed: false, entropy: 1 };
      [type, body] = ["application/json", JSON.stringify({ ...info, base_url: pages.lead })];
    }
    response.writeHead(200, { "content-type": type }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  pages.url = `http://127.0.0.1:${server.address().port}`;
  return pages;
}

/** The server, and a page that is its own or another's. */
async function start(test, origin, ...args) {
  const other = await pages(test);
  const server = await sockjs(test, ...raw, "--script", `${other.url}/sockjs.js`, ...args);
  other.lead = `${server.url}/sockjs`;
  const context = await browser.newContext();
  test.after(() => context.close());
  const page = await context.newPage();
  // Of its own the server has the greeting.
  await page.goto(origin === "own" ? `${server.url}/sockjs` : other.url);
  await page.addScriptTag({ content: script });
  return { server, page, other };
}

/** Connects in the page, sends texts, and gives what became of it. */
const exchange = (page, url, way, texts) =>
  page.evaluate(
    ([url, way, texts]) =>
      new Promise((resolve) => {
        const client = new SockJS(url, null, { transports: way, timeout: 30_000 });
        const received = [];
        let opened = 0;
        let transport;
        client.onopen = () => {
          opened++;
          transport = client.transport;
          for (const text of texts) client.send(text);
        };
        client.onmessage = ({ data }) => {
          received.push(data);
          if (received.length === texts.length) client.close();
        };
        client.onclose = ({ code, reason }) =>
          resolve({ opened, transport, received, code, reason });
      }),
    [url, way, texts],
  );

const texts = [
  ...hostile,
  "é%".repeat(25_000),
  ...Array.from({ length: 300 }, (_, n) => `${n}`),
];

for (const [origin, ways] of Object.entries(origins)) {
  for (const way of ways) {
    test(`${way}, from a page of ${origin} origin: texts come back in order`, async (t) => {
      const { server, page } = await start(t, origin, ...(origin === "own" ? [] : ["--any-origin"]));
      const end = await exchange(page, `${server.url}/sockjs`, way, texts);
      assert.deepEqual(
        { ...end, received: end.received.length },
        { opened: 1, transport: way, received: texts.length, code: 1000, reason: "Normal closure" },
      );
      assert.deepEqual(end.received, texts);
      // Responses that end early, and a goodbye of the server.
      const early = await exchange(page, `${server.url}/echo`, way, texts);
      assert.deepEqual(early.received, texts);
      const { code, reason } = await exchange(page, `${server.url}/close`, way, texts);
      assert.deepEqual([code, reason], [3000, "Go away!"]);
    });
  }
}

// A page that cannot read what the server can do may know it from elsewhere.
for (const way of [...origins.other, "htmlfile"]) {
  test(`${way}: a page that is not let in gets nothing`, async (t) => {
    const { page, other } = await start(t, "other");
    const end = await page.evaluate(
      ([url, way]) =>
        new Promise((resolve) => {
          const client = new SockJS(url, null, { transports: way, timeout: 3_000 });
          let opened = 0;
          client.onopen = () => opened++;
          client.onclose = ({ code }) => resolve({ opened, code });
        }),
      [`${other.url}/lead`, way],
    );
    assert.deepEqual(end, { opened: 0, code: 2000 });
  });
}
