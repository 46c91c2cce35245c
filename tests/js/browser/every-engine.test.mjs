// The page with a client of every engine: all of them in one room.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Demo } from "../support/demo.mjs";
import { everyEngine } from "../support/server.mjs";
import { until } from "../support/until.mjs";

const engines = ["ws", "engine.io", "socket.io", "sockjs"];

for (const width of [1280, 390]) {
  test(`${width} pixels wide: what one says over its engine, all hear over theirs`, async (t) => {
    const demo = new Demo();
    demo.test = t;
    demo.server = await everyEngine(t);
    const { page } = await demo.window({ path: "/", viewport: { width, height: 800 } });
    const panel = (engine) => page.locator(`[data-engine="${engine}"]`);
    for (const engine of engines) {
      await panel(engine).locator('.state[data-state="connected"]').waitFor();
      await panel(engine).getByText("4 in the room").waitFor();
    }
    for (const speaker of engines) {
      await panel(speaker).getByRole("textbox").fill(`hello over ${speaker}`);
      await panel(speaker).getByRole("button", { name: "Say" }).click();
      for (const listener of engines) {
        const line = panel(listener).locator(".log li", { hasText: `hello over ${speaker}` });
        await line.waitFor();
        assert.equal(await line.count(), 1);
      }
    }
    // One leaves and comes back; the others see it.
    await panel("sockjs").getByRole("button", { name: "Disconnect" }).click();
    await panel("sockjs").locator('.state[data-state="closed"]').waitFor();
    await panel("sockjs").getByRole("button", { name: "Connect", exact: true }).click();
    const again = panel("ws").locator(".log li", { hasText: "SockJS is here" });
    await until(async () => (await again.count()) === 2);
    const sticksOut = await page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    assert.equal(sticksOut, false);
  });
}
