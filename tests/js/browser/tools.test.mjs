import assert from "node:assert/strict";
import { test } from "node:test";
import { Demo } from "../support/demo.mjs";
import { until } from "../support/until.mjs";

/** Fills the form of the actions and gives the card with the answer. */
async function call(window, name, inputs = {}, json) {
  await window.$("action-name").fill(name);
  for (const [key, value] of Object.entries(inputs)) await window.$(`input-${key}`).fill(value);
  if (json !== undefined) await window.$("action-json").fill(json);
  await window.page.getByRole("button", { name: "Call", exact: true }).click();
  const card = window.page.locator("#action-results .card").first();
  await card.locator(".json").waitFor();
  return card;
}

for (const parser of ["json", "msgpack"]) {
  test(`${parser}: actions are listed, called, and their answers shown`, async (t) => {
    const demo = await Demo.start(t, "--parser", parser);
    const window = await demo.window();
    await window.state("connected");
    for (const name of ["sum", "echo", "sleep", "randomNumber", "alert", "dropMe"]) {
      await window.page.locator("#action-chips .chip", { hasText: new RegExp(`^${name}$`) }).waitFor();
    }
    let card = await call(window, "sum", { a: "19", b: "23" });
    assert.match(await card.innerText(), /OK[\s\S]*over ws[\s\S]*"sum": 42/);
    card = await call(window, "echo", {}, '{"deep": {"list": [1, null, "é"]}}');
    assert.match(await card.innerText(), /"é"/);
    card = await call(window, "sum", { a: "1", b: "" }, "");
    assert.match(await card.innerText(), /The b field is required/);
    card = await call(window, "nothing", {}, "");
    assert.match(await card.innerText(), /004[\s\S]*Unknown action/);

    await window.$("action-json").fill("{not json");
    await window.page.getByRole("button", { name: "Call", exact: true }).click();
    await window.reads("action-error", /This is not JSON/);

    await call(window, "alert", { text: "Mind the gap" }, "");
    await window.logged("in", "alert", "Mind the gap");
    await window.reads("toast", "Mind the gap");
  });

  test(`${parser}: files are requested and shown as what they are`, async (t) => {
    const demo = await Demo.start(t, "--parser", parser);
    const window = await demo.window();
    await window.state("connected");
    await window.panel("files");
    const request = async (path) => {
      await window.$("file-path").fill(path);
      await window.page.getByRole("button", { name: "Request" }).click();
      await window.page.locator("#file-result .card strong", { hasText: path }).waitFor();
      await window.page.locator("#file-result .tag:not(.tag-warn)").waitFor();
      return window.text("file-result");
    };
    assert.match(await request("hello.txt"), /OK[\s\S]*text\/plain[\s\S]*text$/);
    assert.match(await request("favicon.png"), /image\/png[\s\S]*base64/);
    for (const path of ["favicon.png", "logo.svg"]) {
      await request(path);
      const loaded = () =>
        window.page.locator("#file-result img").evaluate((image) => image.naturalWidth > 0);
      await until(loaded, `${path} to be drawn`);
    }
    assert.match(await request("missing.txt"), /010[\s\S]*The requested file not exists/);
    await window.page.locator("#file-chips .chip", { hasText: "hello.txt" }).click();
    await window.page.locator("#file-result strong", { hasText: "hello.txt" }).waitFor();
  });
}

test("the details are the server's, and are asked for again", async (t) => {
  const demo = await Demo.start(t, "--ping-interval", "7000");
  const window = await demo.window({ permissions: ["clipboard-read", "clipboard-write"] });
  await window.enter("Anna");
  await window.panel("details");
  await window.reads("details-result", /Rooms\s+defaultRoom/);
  const text = await window.text("details-result");
  assert.match(text, /Address\s+127\.0\.0\.1 port \d+/);
  assert.match(text, /Fingerprint\s+[0-9a-f]{40}/);
  assert.match(text, /Greeting\s+Hello human! Welcome to Stellar/);
  assert.match(text, /Engine\s+ws/);
  assert.match(text, /Codec\s+json/);
  assert.match(text, /Server pings\s+every 7 s/);
  const called = Number(/Actions called\s+(\d+)/.exec(text)[1]);
  await window.panel("actions");
  await call(window, "randomNumber");
  await window.panel("details");
  await window.reads("details-result", new RegExp(`Actions called\\s+${called + 1}`));
  await window.page.getByRole("button", { name: "Ask again" }).click();
  await window.reads("toast", "Up to date");
  await window.page.locator("#details .copy").first().click();
  await window.reads("toast", "Copied");
});

test("the events are listed, filtered, paused and cleared", async (t) => {
  const demo = await Demo.start(t);
  const window = await demo.window();
  await window.enter("Anna");
  await window.say("something to look for");
  await window.logged("state", "state", "connecting → connected");
  await window.logged("state", "connected");
  await window.logged("in", "welcome", "Hello human!");
  await window.logged("out", "detailsView");
  await window.logged("out", "roomAdd", "defaultRoom");
  await window.logged("out", "say", "something to look for");
  await window.logged("in", "say", "something to look for");
  await window.logged("in", "event", "hello");
  await window.logged("in", "#1");
  await window.$("join-room").fill("nowhere");
  await window.$("join-room").press("Enter");
  await window.logged("error", "#\\d+", "does not exists");

  const entry = window.page.locator('#log .entry[data-kind="in"]', { hasText: "something to look for" });
  await entry.locator("summary").click();
  assert.match(await entry.locator(".json").innerText(), /"context": "user"/);

  await window.$("events-text").fill("something");
  await window.reads("events-count", /^\d+ of \d+$/);
  for (const kind of await window.page.locator("#events-kinds .chip").all()) await kind.click();
  await window.reads("log-empty-text", "The filter hides all there is.");
  for (const kind of await window.page.locator("#events-kinds .chip").all()) await kind.click();
  await window.$("events-text").fill("");

  await window.page.getByRole("button", { name: "Pause" }).click();
  await window.say("while it is paused");
  await window.page.getByRole("button", { name: /Resume \(\d+ missed\)/ }).click();
  assert.equal(await window.page.locator("#log .entry", { hasText: "while it is paused" }).count(), 0);
  await window.page.getByRole("button", { name: "Clear" }).click();
  await window.reads("events-count", "0");
});
