// The pages as axe-core judges them: what the server makes, and the demo.
import assert from "node:assert/strict";
import { test } from "node:test";
import axe from "axe-core";
import { WebSocket } from "ws";
import { Demo } from "../support/demo.mjs";
import { chat, observatory } from "../support/server.mjs";
import { until } from "../support/until.mjs";

/** Fails with all that is wrong with a page as it is now. */
async function judge(page, name) {
  // Not by a tag: the pages allow no script but their own.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    }),
  );
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html }) => html).join("\n  ")}`,
  );
  assert.deepEqual(told, [], name);
}

async function window(t, server, options = {}) {
  const demo = new Demo();
  Object.assign(demo, { test: t, server });
  return demo.window(options);
}

const looks = {
  "light, wide": { colorScheme: "light" },
  "dark, narrow": { colorScheme: "dark", viewport: { width: 390, height: 844 } },
};

for (const [look, options] of Object.entries(looks)) {
  test(`the page at the root says what runs: ${look}`, async (t) => {
    const server = await observatory(t, "--transport", "ws,engine.io");
    const root = await window(t, server, options);
    const { page } = root;
    await page.getByRole("heading", { level: 1, name: "Observatory" }).waitFor();
    for (const text of ["/primus", "/engine.io", "/stellar-client", "/healthz"]) {
      await page.getByText(text, { exact: true }).first().waitFor();
    }
    assert.deepEqual(await root.overflow(), { by: 0, out: [] });
    await root.picture(`home-${look.replace(", ", "-")}`);
    await judge(page, "the root");
    await page.getByRole("link", { name: "Open the reference" }).click();
    await until(() => page.url().endsWith("/docs"));
    await page.locator('#status[data-state="connected"]').waitFor();
    await judge(page, "the reference");
  });

  test(`the demo: ${look}`, async (t) => {
    const demo = await Demo.start(t);
    const anna = await demo.window(options);
    await judge(anna.page, "before the name");
    await anna.enter("Anna");
    assert.equal(await anna.page.locator("h1").count(), 1);
    await anna.say("Hello");
    await anna.message("Hello");
    for (const panel of ["Actions", "Files", "Details", "Events", "Chat"]) {
      const tab = anna.page.locator(".tabs button", { hasText: panel });
      if (await tab.isVisible()) await tab.click();
      await judge(anna.page, panel);
    }
  });
}

test("the demo counts who is in the room, also those who came without a word", async (t) => {
  const server = await chat(t);
  const anna = await window(t, server);
  await anna.enter("Anna");
  await anna.reads("members-count", "1");
  const sockets = Array.from({ length: 5 }, () => new WebSocket(server.ws));
  t.after(() => sockets.forEach((socket) => socket.terminate()));
  for (const socket of sockets) {
    socket.on("open", () => socket.send(JSON.stringify({ event: "roomAdd", room: "defaultRoom" })));
  }
  await anna.reads("members-count", "6");
  assert.equal(await anna.page.locator("#members li").count(), 6);
  sockets[0].close();
  await anna.reads("members-count", "5");
});

test("the demo promises nothing of a server that is dead", async (t) => {
  const demo = await Demo.start(t);
  const anna = await demo.window({ networkMayFail: true });
  await anna.enter("Anna");
  await demo.server.kill();
  await anna.state("reconnecting");
  await anna.reads("banner-text", /actions are tried over HTTP\.$/);
  await anna.reads("action-via", "No connection: is tried over HTTP");
});
