// Every engine in a real browser, behind networks of every kind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { crowd } from "../support/crowd.mjs";
import { Demo } from "../support/demo.mjs";
import { Proxy } from "../support/proxy.mjs";
import { until } from "../support/until.mjs";

const engines = ["ws", "engine.io", "socket.io", "sockjs"];

/** A page with the server's script, loaded through a network. */
async function behind(t, list, upgrades = "pass", ...args) {
  const demo = await Demo.start(t, "--transport", list.join(","), ...args);
  const proxy = await Proxy.start(t, demo.server.port);
  proxy.upgrades = upgrades;
  const { page } = await demo.plainWindow({ url: proxy.url, networkMayFail: true });
  await page.addScriptTag({ url: "/stellar-client" });
  return { demo, proxy, page };
}

/** Makes a client on the page and does with it what a client is for; tells the way it went. */
const works = (page, options = {}) =>
  page.evaluate(async (options) => {
    const client = new StellarClient({ reconnect: { min: 20, max: 300 }, timeout: 4000, ...options });
    globalThis.client = client;
    await client.connect();
    await client.roomAdd("lobby");
    const said = new Promise((resolve) => client.once("say", resolve));
    await client.say("lobby", { text: "é \u2028 🚀" });
    const { text } = (await said).message;
    const sums = Array.from({ length: 20 }, (_, a) => client.action("sum", { a, b: 1 }));
    const wrong = (await Promise.all(sums)).filter(({ sum }, a) => sum !== a + 1);
    const { content } = await client.file("favicon.png", { as: "blob" });
    if (text !== "é \u2028 🚀" || wrong.length || !content.size) throw new Error("It does not work");
    return `${client.transport.name} ${client.transport.way ?? ""}`.trim();
  }, options);

for (const [list, upgrades, way] of [
  [["ws"], "pass", "ws"],
  [["engine.io"], "pass", "engine.io websocket"],
  [["engine.io"], "403", "engine.io polling"],
  [["engine.io"], "hang", "engine.io polling"],
  [["socket.io"], "pass", "socket.io websocket"],
  [["socket.io"], "403", "socket.io polling"],
  [["sockjs"], "pass", "sockjs websocket"],
  [["sockjs"], "403", "sockjs xhr_streaming"],
  [["sockjs"], "mute", "sockjs xhr_streaming"],
  [engines, "pass", "ws websocket"],
  [engines, "403", "engine.io polling"],
  [engines, "mute", "engine.io polling"],
  [["ws", "sockjs"], "hang", "sockjs xhr_streaming"],
]) {
  test(`${list}, upgrades ${upgrades}: ${way}; cut, and refused for a while`, async (t) => {
    const { proxy, page } = await behind(t, list, upgrades);
    assert.equal(await works(page), way);
    await page.evaluate(() => {
      globalThis.heard = [];
      for (const name of ["disconnected", "reconnecting", "reconnect"]) {
        client.on(name, () => heard.push(name));
      }
      globalThis.due = client.action("sleep", { ms: 9000 }).catch(({ code, mayHaveRun }) => [code, mayHaveRun]);
    });
    await page.waitForFunction(() => client.pending === 1);
    await proxy.refuse();
    const [code, mayHaveRun] = await page.evaluate(() => due);
    assert.ok(["closed", "offline"].includes(code) && mayHaveRun, code);
    await page.waitForFunction(() => heard.includes("reconnecting"));
    await page.evaluate(() => {
      globalThis.said = [];
      client.on("say", ({ message }) => said.push(message));
      globalThis.queued = [1, 2, 3].map((n) => client.say("lobby", n));
    });
    await proxy.open();
    await page.waitForFunction(() => heard.includes("reconnect"));
    await page.evaluate(() => Promise.all(queued));
    await page.waitForFunction(() => said.length === 3);
    assert.deepEqual(await page.evaluate(() => said), [1, 2, 3]);
    assert.deepEqual(await page.evaluate(() => client.rooms), ["lobby"]);
    await page.evaluate(() => client.disconnect());
  });
}

test("what worked is remembered in the tab: a new page does not try WebSockets again", async (t) => {
  const { proxy, page } = await behind(t, engines, "403");
  assert.equal(await works(page), "engine.io polling");
  assert.equal(proxy.seen.upgrades, 1);
  await page.reload();
  await page.addScriptTag({ url: "/stellar-client" });
  assert.equal(await works(page), "engine.io polling");
  assert.equal(proxy.seen.upgrades, 1);
});

test("a network that collects answers is polled", async (t) => {
  const { proxy, page } = await behind(t, ["sockjs"], "403");
  proxy.requests = "collect";
  assert.equal(await works(page, { timeout: 1500 }), "sockjs xhr");
});

test("the page has left when it is gone, without WebSockets too", async (t) => {
  const { demo, proxy, page } = await behind(t, engines, "403");
  await works(page);
  const watcher = await demo.plainWindow({ url: proxy.url, networkMayFail: true });
  await watcher.page.addScriptTag({ url: "/stellar-client" });
  await works(watcher.page);
  const members = () =>
    watcher.page.evaluate(async () => (await client.roomView("lobby")).membersCount);
  assert.equal(await members(), 2);
  await page.goto("about:blank");
  await until(async () => (await members()) === 1, "the other to have left");
});

const count = 50;
// A browser has six connections for requests to an address, and a client needs two of them where
// WebSockets are blocked. So as many networks lead to the server as it takes.
const each = 3;

for (const [list, upgrades, way] of [
  [["ws"], "pass", undefined],
  [["engine.io"], "403", "polling"],
  [["socket.io"], "pass", "websocket"],
  [["socket.io"], "403", "polling"],
  [["sockjs"], "403", "xhr_streaming"],
]) {
  test(`${list}, upgrades ${upgrades}: ${count} clients while the server restarts`, async (t) => {
    // The page is that of one of them.
    const origins = ['server.origins="any"', 'cors.origins=["*"]'].flatMap((set) => ["--set", set]);
    const { demo, proxy, page } = await behind(t, list, upgrades, ...origins);
    const urls = [proxy.url];
    while (upgrades !== "pass" && urls.length * each < count) {
      const more = await Proxy.start(t, demo.server.port);
      more.upgrades = upgrades;
      urls.push(more.url);
    }
    await page.addScriptTag({ content: crowd.toString() });
    await page.evaluate(
      async ([count, urls]) => {
        const options = { timeout: 60_000, reconnect: { min: 20, max: 300 } };
        globalThis.all = crowd(StellarClient, options, count, urls);
        await all.start();
      },
      [count, urls],
    );
    const other = await page.evaluate(
      (way) => all.clients.filter(({ transport }) => transport.way !== way).length,
      way,
    );
    assert.equal(other, 0);
    const answers = async () => {
      const before = await page.evaluate(() => all.told.right);
      await until(async () => (await page.evaluate(() => all.told.right)) > before + 200, "answers");
    };
    await answers();
    await demo.server.kill();
    await until(async () => (await page.evaluate(() => all.here())) === 0, "everybody to notice");
    await demo.server.restart();
    await until(async () => (await page.evaluate(() => all.here())) === count, "everybody back");
    await answers();
    const told = await page.evaluate(() => all.stop());
    assert.equal(told.settled, told.made);
    assert.deepEqual([told.wrong, told.due], [[], 0]);
    assert.deepEqual([told.members, told.ids, told.rooms], [[count], count, count]);
  });
}
