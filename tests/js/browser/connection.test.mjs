import assert from "node:assert/strict";
import { test } from "node:test";
import { Demo } from "../support/demo.mjs";

test("the server is killed and comes back: rooms, members and what was said meanwhile", async (t) => {
  const demo = await Demo.start(t);
  const [anna, ben] = [
    await demo.window({ networkMayFail: true }),
    await demo.window({ networkMayFail: true }),
  ];
  await anna.enter("Anna");
  await ben.enter("Ben");
  await anna.reads("members-count", "2");
  await demo.server.kill();
  for (const one of [anna, ben]) {
    await one.state("reconnecting");
    await one.message("Connection lost");
    await one.reads("banner-text", /The connection was lost\. Next attempt/);
  }
  await anna.say("from the queue");
  await anna.page.locator("#messages .waiting", { hasText: "Waits for the connection" }).waitFor();
  await anna.reads("fact-queue", /[1-9]/);
  await anna.logged("state", "disconnected");
  await anna.logged("state", "reconnecting", "attempt 2");
  // Actions go over HTTP, which fails too.
  await anna.page.getByRole("button", { name: "Call", exact: true }).click();
  await anna.page.locator("#action-results .tag-bad", { hasText: "offline" }).waitFor();
  await anna.picture("reconnecting");

  await demo.server.restart();
  // It may be back by itself before anybody can press it.
  await anna.page.getByRole("button", { name: "Try now" }).click({ timeout: 5000 }).catch(() => {});
  for (const one of [anna, ben]) {
    await one.state("connected");
    await one.message("Connected again, back in the room");
    await one.reads("members-count", "2");
  }
  await anna.logged("state", "reconnect");
  await anna.page.locator("#messages .own:not(.waiting)", { hasText: "from the queue" }).waitFor();
  await anna.say("and now");
  await ben.message("and now");
  assert.equal(await anna.$("banner").isVisible(), false);
});

test("the connection is broken on purpose, and mends itself", async (t) => {
  const demo = await Demo.start(t);
  const anna = await demo.window({ networkMayFail: true });
  await anna.enter("Anna");
  await anna.page.getByRole("button", { name: "Break the connection" }).click();
  await anna.state("reconnecting");
  await anna.reads("banner-text", /The network is cut for \d s more/);
  // The server is there, so actions still get through.
  await anna.page.getByRole("button", { name: "Call", exact: true }).click();
  await anna.page.locator("#action-results .card", { hasText: "over HTTP" }).locator(".tag-good").waitFor();
  await anna.say("from the tunnel");
  await anna.state("connected");
  await anna.page.locator("#messages .own:not(.waiting)", { hasText: "from the tunnel" }).waitFor();
});

test("dropped by the server, the page comes back", async (t) => {
  const demo = await Demo.start(t);
  const anna = await demo.window();
  await anna.enter("Anna");
  await anna.page.locator("#action-chips .chip", { hasText: "dropMe" }).click();
  await anna.page.getByRole("button", { name: "Call", exact: true }).click();
  await anna.page.locator("#action-results .tag-bad", { hasText: "closed" }).waitFor();
  await anna.message("Connected again, back in the room");
  await anna.say("still here");
  await anna.message("still here");
});

test("the browser goes offline and online again", async (t) => {
  const demo = await Demo.start(t);
  const anna = await demo.window({ networkMayFail: true });
  await anna.enter("Anna");
  await anna.context.setOffline(true);
  await anna.state("offline");
  await anna.reads("banner-text", /Your browser says there is no network/);
  await anna.say("from under ground");
  await anna.page.locator("#messages .waiting", { hasText: "Waits for the connection" }).waitFor();
  await anna.reads("fact-queue", "1");
  await anna.picture("offline");
  await anna.context.setOffline(false);
  await anna.state("connected");
  await anna.page.locator("#messages .own:not(.waiting)", { hasText: "from under ground" }).waitFor();
  assert.equal(await anna.page.locator("#messages .failed").count(), 0);
});

test("disconnecting is for good until asked to connect; actions go over HTTP", async (t) => {
  const demo = await Demo.start(t);
  const anna = await demo.window();
  await anna.enter("Anna");
  await anna.page.getByRole("button", { name: "Disconnect" }).click();
  await anna.state("closed");
  await anna.message("Disconnected");
  await anna.reads("action-via", "No connection: is tried over HTTP");
  await anna.page.locator("#action-chips .chip", { hasText: /^sum$/ }).click();
  await anna.page.getByRole("button", { name: "Call", exact: true }).click();
  const card = anna.page.locator("#action-results .card", { hasText: "over HTTP" });
  await card.locator(".json", { hasText: '"sum": 42' }).waitFor();
  await anna.page.locator(".banner").getByRole("button", { name: "Connect" }).click();
  await anna.state("connected");
  await anna.reads("members-count", "1");
});

test("a page whose client script does not load says so", async (t) => {
  const demo = await Demo.start(t);
  const window = await demo.window({ networkMayFail: true, path: "" });
  await window.page.route("**/stellar-client", (route) => route.abort());
  await window.page.goto(demo.server.url);
  await window.reads("status-text", "The client script did not load");
  await window.page.unroute("**/stellar-client");
  await window.page.getByRole("button", { name: "Reload", exact: true }).click();
  await window.state("connected");
});
