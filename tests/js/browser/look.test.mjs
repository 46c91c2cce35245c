// How the page looks. The pictures are left in screenshots/ for a person to judge.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Demo } from "../support/demo.mjs";
import { Proxy } from "../support/proxy.mjs";

const talk = [
  ["Anna", "Good evening. Is the dome open?"],
  ["Ben", "Since nine. Seeing is excellent, 0.8 arcseconds."],
  ["Ben", "Jupiter clears the ridge in ten minutes."],
  ["Anna", "Then I will bring the good eyepiece, and tea."],
  ["Ben", "Bring a lot of both.\nCleo comes later."],
  ["Anna", "A link that does not end: https://example.org/" + "observations/".repeat(14)],
];

async function busy(demo, options = {}) {
  const windows = { Anna: await demo.window(options), Ben: await demo.window() };
  await windows.Anna.enter("Anna");
  await windows.Ben.enter("Ben");
  await windows.Anna.message("Ben came in");
  for (const [name, text] of talk) {
    await windows[name].say(text);
    for (const window of Object.values(windows)) await window.message(text.split("\n")[0]);
  }
  return windows.Anna;
}

const sizes = {
  wide: { width: 1440, height: 900 },
  middle: { width: 900, height: 700 },
  phone: { width: 360, height: 740 },
};

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ["dark", "light"]) {
    test(`${size}, ${colorScheme}: nothing sticks out, empty or busy`, async (t) => {
      const demo = await Demo.start(t);
      const options = { viewport, colorScheme, hasTouch: size === "phone" };
      const empty = await demo.window(options);
      await empty.state("connected");
      await empty.picture(`${size}-${colorScheme}-empty`);
      assert.deepEqual(await empty.overflow(), { by: 0, out: [] });

      const window = await busy(demo, options);
      await window.picture(`${size}-${colorScheme}-chat`);
      assert.deepEqual(await window.overflow(), { by: 0, out: [] });
      for (const panel of ["actions", "files", "details", "events"]) {
        const tab = window.page.locator(`.tabs button[data-panel="${panel}"]`);
        if (await tab.isVisible()) await tab.click();
        if (panel === "actions") {
          await window.page.locator("#action-chips .chip", { hasText: /^sum$/ }).click();
          await window.page.getByRole("button", { name: "Call", exact: true }).click();
          await window.page.locator("#action-results .tag-good").waitFor();
        }
        if (panel === "files") {
          await window.page.locator("#file-chips .chip", { hasText: "logo.svg" }).click();
          await window.page.locator("#file-result img").waitFor();
        }
        if (panel === "details") await window.reads("details-result", /Rooms\s+defaultRoom/);
        await window.picture(`${size}-${colorScheme}-${panel}`);
        assert.deepEqual(await window.overflow(), { by: 0, out: [] }, panel);
      }
    });
  }
}

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ["dark", "light"]) {
    test(`${size}, ${colorScheme}: offline, refused and by requests, with what waits`, async (t) => {
      const demo = await Demo.start(t, "--transport", "ws,engine.io");
      const proxy = await Proxy.start(t, demo.server.port);
      const options = { viewport, colorScheme, url: proxy.url, networkMayFail: true };
      const window = await demo.window(options);
      const shows = async (name) => {
        await window.picture(`${size}-${colorScheme}-${name}`);
        assert.deepEqual(await window.overflow(), { by: 0, out: [] }, name);
      };
      await window.enter("Anna");
      await window.reads("fact-engine", "ws");
      await window.say("Good evening. Is the dome open?");
      await window.message("Good evening");
      await window.context.setOffline(true);
      await window.state("offline");
      await window.say("From the cellar");
      await window.reads("fact-queue", "1");
      await shows("offline");

      await window.context.setOffline(false);
      await window.state("connected");
      proxy.refusal = "Sign in first";
      proxy.cut();
      await window.state("refused");
      await window.reads("banner-text", "The server refused the connection: Sign in first.");
      await window.message("Refused by the server");
      await shows("refused");

      proxy.refusal = undefined;
      proxy.upgrades = "403";
      await window.page.reload();
      await window.enter("Anna");
      await window.reads("fact-engine", "engine.io, polling");
      await shows("polling");
    });
  }
}

test("the theme can be switched, and stays", async (t) => {
  const demo = await Demo.start(t);
  const window = await demo.window({ colorScheme: "light" });
  const ground = () => window.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await window.$("theme").click();
  const dark = await ground();
  assert.notEqual(dark, light);
  await window.page.reload();
  assert.equal(await ground(), dark);
  await window.$("theme").click();
  assert.equal(await ground(), light);
});

test("everything can be reached and is named, without a mouse", async (t) => {
  const demo = await Demo.start(t);
  const window = await busy(demo);
  const nameless = await window.page.evaluate(() =>
    [...document.querySelectorAll("button, input, textarea, a")]
      .filter((element) => element.offsetParent)
      .filter((element) => {
        const label = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label");
        return !(label ?? element.textContent).trim();
      })
      .map((element) => element.outerHTML),
  );
  assert.deepEqual(nameless, []);
  await window.page.keyboard.press("Control+Home");
  await window.$("message").focus();
  await window.page.keyboard.type("typed");
  await window.page.keyboard.press("Enter");
  await window.message("typed");
});
