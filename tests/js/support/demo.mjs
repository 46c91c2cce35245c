// The demo page in Chromium, as a person meets it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { chat } from "./server.mjs";
import { until } from "./until.mjs";

const screenshots = fileURLToPath(new URL("../screenshots", import.meta.url));
mkdirSync(screenshots, { recursive: true });

const executablePath =
  process.env.CHROMIUM ??
  execFileSync("sh", ["-c", "command -v chromium chromium-browser google-chrome | head -1"])
    .toString()
    .trim();

export let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath,
    headless: true,
    chromiumSandbox: false,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});
after(() => browser?.close());

/**
 * What a browser says by itself when a server or a network is not there, or when the client asks
 * an address for sockets by HTTP whether it is refused.
 */
const network = /net::ERR_|WebSocket (connection|is closed)|status of (4\d\d|503)|in the 'integrity' attribute/;

/** The demo's server, and the windows that look at it. */
export class Demo {
  static async start(test, ...args) {
    const demo = new Demo();
    demo.test = test;
    demo.server = await chat(test, ...args);
    return demo;
  }

  /** A window with a profile of its own. Every fault that the page shows fails the test. */
  async window({ networkMayFail = false, url = this.server.url, path = "/", ...options } = {}) {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      reducedMotion: "reduce",
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error.stack ?? error)));
    page.on("console", (message) => {
      if (!["error", "warning"].includes(message.type())) return;
      const text = `${message.text()} (${message.location().url})`;
      if (!networkMayFail || !network.test(text)) faults.push(text);
    });
    // A page that is still loading when its server goes would tell of that.
    this.server.closers.push(() => context.close());
    this.test.after(() => assert.deepEqual(faults, []));
    if (path) await page.goto(url + path);
    return new Window(page, context);
  }

  /** A window at the server's address, or another, without the page and its rules for scripts. */
  async plainWindow({ url = this.server.url, ...options } = {}) {
    const window = await this.window({ path: "", ...options });
    // Browsers ask for it where a page does not name one.
    await window.page.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
    await window.page.goto(`${url}/hello.txt`);
    return window;
  }
}

/** One window: what is on it, by what a person calls it. */
export class Window {
  constructor(page, context) {
    this.page = page;
    this.context = context;
  }

  $(id) {
    return this.page.locator(`#${id}`);
  }

  /** The text of an element, as it is now. */
  text(id) {
    return this.$(id).innerText();
  }

  /** Waits until an element's text is this, or matches. */
  async reads(id, wanted) {
    let last;
    try {
      await until(async () => {
        last = await this.text(id);
        return typeof wanted === "string" ? last === wanted : wanted.test(last);
      });
    } catch {
      assert.fail(`#${id} reads ${JSON.stringify(last)}, not ${wanted}`);
    }
  }

  /** Waits for a state of the connection. */
  state(name) {
    return this.page.locator(`#status[data-state="${name}"]`).waitFor();
  }

  /** Chooses a panel. */
  async panel(name) {
    await this.page.locator(`.tabs button[data-panel="${name}"]`).click();
  }

  /** Gives a name and goes into the chat. */
  async enter(name) {
    await this.state("connected");
    await this.page.getByLabel("Your name").fill(name);
    await this.page.getByRole("button", { name: "Enter the chat" }).click();
    await this.message("You joined defaultRoom");
  }

  async say(text) {
    await this.$("message").fill(text);
    await this.$("message").press("Enter");
  }

  /** Waits for a line or message of the conversation. */
  async message(text) {
    await this.page.locator("#messages > *", { hasText: text }).first().waitFor();
  }

  /** Waits for what the event log says of something that happened. */
  async logged(kind, name, text = "") {
    await this.page
      .locator(`#log .entry[data-kind="${kind}"]`, {
        has: this.page.locator(".entry-name", { hasText: new RegExp(`^${name}$`) }),
        hasText: text,
      })
      .last()
      .waitFor({ state: "attached" });
  }

  /** Makes a picture to look at. */
  async picture(name) {
    await this.page.screenshot({ path: `${screenshots}/${name}.png` });
  }

  /** By how much the page is wider than its window, and what sticks out of it. */
  overflow() {
    return this.page.evaluate(() => {
      const wide = document.documentElement.clientWidth;
      const out = [...document.body.querySelectorAll("*")]
        .filter((element) => {
          const { right, width } = element.getBoundingClientRect();
          if (!width || right <= wide + 0.5) return false;
          // What scrolls by itself may hold more than is seen.
          for (let up = element.parentElement; up; up = up.parentElement) {
            if (/auto|scroll|hidden/.test(getComputedStyle(up).overflowX) && up !== document.body) {
              if (up.getBoundingClientRect().right <= wide + 0.5) return false;
            }
          }
          return true;
        })
        .map((element) => `${element.tagName}#${element.id}.${element.className}`);
      return { by: document.documentElement.scrollWidth - wide, out };
    });
  }
}
