// The page for each feature of the client, as examples/client has them: each runs, and does what it
// says.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { Demo } from "../support/demo.mjs";
import { root } from "../support/server.mjs";
import { until } from "../support/until.mjs";

const folder = `${root}examples/client`;
/** What each page has written when it has run, and what its buttons add. */
const pages = {
  "index.html": {
    lines: [/^welcome: Hello/, /^connected as \S+$/, /^from 127\.0\.0\.1 over ws$/],
    press: { Disconnect: [/^disconnected: closed: Closed$/], Connect: [/^welcome/, /^connected as/] },
  },
  "actions.html": {
    lines: [/^over HTTP: 3$/, /^over the connection: 42$/, /^to a callback: 0\./, /its own: \[1,2,3,4,5,6,7,8\]$/],
    press: { Again: [/^0\.\d+$/] },
  },
  "rooms.html": {
    lines: [/^lobby I say: Hello$/, /^members: 1$/],
    press: { "Say something": [/any/], "Who is here?": [/^\["/], Leave: [], Join: [] },
  },
  "events.html": {
    lines: [/^in any room: lobby .*one hand/, /^only once$/, /lobby .*both/, /^in any room: orbit/, /^in orbit alone: .*both/],
    press: { "Do not listen to orbit": [], Wave: [/^in any room: orbit .*flag/] },
  },
  "files.html": {
    lines: [/^text\/plain/, /^image\/svg\+xml as a blob of \d+$/, /^as bytes: \[137,80,78,71\]$/],
    press: { "One that is not there": [/^010: The requested file not exists$/] },
  },
  "errors.html": {
    lines: [/tells 019 too$/, /^019: Room/, /"b":"The b field is required\."/, /^004: /, /^closed: /, /^may it have run\? true$/],
  },
  "requests.html": {
    lines: [/^dropped: Not sent at once$/, /^timeout: /, /^aborted: /, /^sent, and nothing more of it: \{\}$/],
  },
  "queue.html": {
    lines: [/^waiting: 3$/, /^one dropped: /, /^waiting: 0$/, /^heard: two$/, /^heard: three$/, /^heard: four$/],
    press: {
      "Disconnect and ask": [/^asked while away closed: Not connected$/],
      Connect: [/^connected again, waiting: 0$/],
    },
  },
  "states.html": {
    lines: [/^idle → connecting$/, /^connecting → connected$/, /^connected → reconnecting$/, /^closed: /, /^attempt 1 in \d+ ms$/, /^reconnecting → connected$/, /^back as \S+ in \["lobby"\]$/],
    press: { "disconnect()": [/^connected → closed$/], "connect()": [/^closed → connecting$/, /^connecting → connected$/, /^back as/] },
  },
  "interceptors.html": {
    lines: [/^sent with: secret and seen: true$/, /without the server/, /^forbidden: Not from here$/],
  },
  "engines.html": {
    lines: [/^to try: \["ws","engine\.io"\]$/, /^connected over ws by websocket$/],
    press: { "On a network that blocks WebSockets": [/^connected over engine\.io by polling$/] },
  },
};

test("there is one for each feature, and each is tried", () => {
  assert.deepEqual(readdirSync(folder).filter((name) => name.endsWith(".html")).sort(), Object.keys(pages).sort());
});

test("each page runs and does what it says", async (t) => {
  const demo = await Demo.start(t, "--set", `public=["${folder}"]`, "--transport", "ws,engine.io");
  for (const [name, { lines, press = {} }] of Object.entries(pages)) {
    await t.test(name, async () => {
      const { page, context } = await demo.window({ path: `/${name}`, viewport: { width: 360, height: 740 } });
      const items = page.locator("#log li");
      let from = 0;
      const writes = async (wanted) => {
        // In whatever order: answers and deliveries overtake each other.
        const missing = async () => {
          const there = (await items.allInnerTexts()).slice(from);
          return wanted.filter((line) => !there.some((text) => line.test(text)));
        };
        await until(async () => !(await missing()).length, `${name}: ${wanted}`).catch(async (error) => {
          assert.fail(`${error.message}\nmissing ${await missing()} in ${JSON.stringify(await items.allInnerTexts())}`);
        });
        from = await items.count();
      };
      await writes(lines);
      for (const [button, more] of Object.entries(press)) {
        await page.getByRole("button", { name: button, exact: true }).click();
        await writes(more);
      }
      assert.match(await page.locator("#code").innerText(), /new StellarClient/);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0);
      await page.screenshot({ path: `${root}tests/js/screenshots/feature-${name.replace(".html", "")}.png` });
      await context.close();
    });
  }
});
