import assert from "node:assert/strict";
import { test } from "node:test";
import { Demo } from "../support/demo.mjs";
import { until } from "../support/until.mjs";

for (const parser of ["json", "msgpack"]) {
  test(`${parser}: two people talk, see each other come and go, and change rooms`, async (t) => {
    const demo = await Demo.start(t, "--parser", parser);
    const [anna, ben] = [await demo.window(), await demo.window()];
    await anna.enter("Anna");
    await anna.reads("members-count", "1");
    await ben.enter("Ben");
    await anna.message("Ben came in");
    for (const one of [anna, ben]) {
      await one.reads("members-count", "2");
      await one.page.locator("#members li", { hasText: "Anna" }).waitFor();
      await one.page.locator("#members li", { hasText: "Ben" }).waitFor();
    }

    await anna.say("Hello Ben, here is a \u{1f680}");
    await ben.message("Hello Ben, here is a \u{1f680}");
    await ben.say("<b onclick=alert(1)>not bold</b>");
    await anna.message("<b onclick=alert(1)>not bold</b>");
    assert.equal(await anna.page.locator("#messages b").count(), 0);
    // One's own is shown once, and is marked as sent.
    await anna.page.locator("#messages .own:not(.waiting)", { hasText: "Hello Ben" }).waitFor();
    assert.equal(await anna.page.locator("#messages .message.own").count(), 1);
    assert.equal(await ben.page.locator("#messages .message-head strong").first().innerText(), "Anna");

    // Another room: what is said there is counted where it is not looked at.
    await anna.$("join-room").fill("orbit");
    await anna.page.getByRole("button", { name: "Join", exact: true }).click();
    await anna.message("You joined orbit");
    await ben.$("join-room").fill("orbit");
    await ben.$("join-room").press("Enter");
    await ben.message("You joined orbit");
    await ben.page.locator(".room-tab", { hasText: "defaultRoom" }).click();
    await anna.say("Up here");
    await ben.page.locator(".room-tab", { hasText: "orbit" }).locator(".count", { hasText: "1" }).waitFor();
    await ben.page.locator(".room-tab", { hasText: "orbit" }).click();
    await ben.message("Up here");
    assert.equal(await ben.page.locator(".room-tab .count").count(), 0);

    await anna.page.getByRole("button", { name: "Leave this room" }).click();
    await until(async () => (await anna.page.locator(".room-tab").count()) === 1);
    await anna.message("Hello Ben");
    await anna.page.getByRole("button", { name: "Leave this room" }).click();
    await anna.$("no-room").waitFor();
    await anna.page.getByRole("button", { name: "Join defaultRoom" }).click();
    await anna.message("You joined defaultRoom");

    await anna.$("join-room").fill("nowhere");
    await anna.$("join-room").press("Enter");
    await anna.reads("join-error", "There is no room called “nowhere” on this server.");
  });
}

test("who closes the window is gone from the room", async (t) => {
  const demo = await Demo.start(t);
  const [anna, ben] = [await demo.window(), await demo.window()];
  await anna.enter("Anna");
  await ben.enter("Ben");
  await anna.reads("members-count", "2");
  await ben.context.close();
  await anna.reads("members-count", "1");
});

test("the name is remembered, long and odd texts fit, several lines stay several", async (t) => {
  const demo = await Demo.start(t);
  const anna = await demo.window();
  await anna.enter("Anna");
  await anna.say("x".repeat(3000));
  await anna.$("message").pressSequentially("one");
  await anna.$("message").press("Shift+Enter");
  await anna.$("message").pressSequentially("two");
  await anna.$("message").press("Enter");
  await anna.message("one\ntwo");
  assert.deepEqual(await anna.overflow(), { by: 0, out: [] });
  await anna.page.reload();
  await anna.state("connected");
  assert.equal(await anna.page.getByLabel("Your name").inputValue(), "Anna");
});
