// The page of the declared actions, as a person meets it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Demo } from "../support/demo.mjs";
import { observatory } from "../support/server.mjs";
import { until } from "../support/until.mjs";

class Page {
  static async open(t, { args = [], path = "/docs", state = "connected", ...options } = {}) {
    const demo = new Demo();
    demo.test = t;
    demo.server = await observatory(t, ...args);
    const page = new Page();
    page.url = demo.server.url;
    page.window = await demo.window({ path: "", networkMayFail: state !== "connected", ...options });
    page.page = page.window.page;
    page.asked = [];
    page.page.on("request", (request) => page.asked.push(new URL(request.url())));
    page.page.on("dialog", (dialog) => assert.fail(`a dialog: ${dialog.message()}`));
    await page.page.goto(page.url + path);
    await page.window.state(state);
    return page;
  }

  action(id) {
    return this.page.locator(`[id="action.${id}"]`);
  }

  field(id, name) {
    return this.action(id).getByLabel(name, { exact: true });
  }

  /** Sends a form, and gives what came: the word over the answer, and the answer. */
  async call(id) {
    const action = this.action(id);
    await action.getByRole("button", { name: "Call", exact: true }).click();
    const tag = action.locator(".answer .tag:not(.tag-warn)");
    await tag.waitFor();
    const code = action.locator(".answer pre");
    const text = (await code.count()) ? await code.innerText() : "null";
    return [await tag.innerText(), JSON.parse(text)];
  }

  /** The ids that are there twice. */
  twice() {
    return this.page.evaluate(() => {
      const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
      return ids.filter((id, index) => ids.indexOf(id) !== index);
    });
  }

  count() {
    return this.page.locator("article.action:visible").count();
  }
}

test("an action is called from its form, over the connection", async (t) => {
  const page = await Page.open(t);
  const status = await page.call("status");
  assert.equal(status[0], "OK");
  assert.deepEqual([status[1].open, status[1].context], [true, "response"]);

  await page.field("observe.v1", "target").fill("42");
  await page.field("observe.v1", "minutes").fill("20");
  await page.field("observe.v1", "filter").selectOption("red");
  await page.field("observe.v1", "guiding").selectOption("false");
  const sample = page.action("observe.v1").locator('[data-call="client"] pre');
  const params = { apiVersion: 1, target: "42", minutes: 20, filter: "red", guiding: false };
  await until(async () => {
    const text = (await sample.innerText()).match(/await client\.action\("observe", (.*)\)$/s);
    return text && JSON.stringify(JSON.parse(text[1])) === JSON.stringify(params);
  });
  const [word, { given }] = await page.call("observe.v1");
  assert.equal(word, "OK");
  const { apiVersion: _, ...sent } = params;
  assert.deepEqual(given, { ...sent, gain: 1.5 });

  // Digits are a text where one is wanted.
  await page.field("register", "name").fill("1234");
  await page.field("register", "password").fill("12345678");
  await page.field("register", "password_confirmation").fill("12345678");
  await page.field("register", "code").fill("ABC");
  const registered = (await page.call("register"))[1].given;
  assert.deepEqual([registered.name, registered.password], ["1234", "12345678"]);

  // Lists and objects are JSON, and what is none is a text.
  await page.field("observe", "position").fill("[83.8, -5.4]");
  await page.field("observe", "minutes").fill("soon");
  const refused = await page.call("observe");
  assert.deepEqual(refused[1].error, {
    minutes: { code: "003", message: "Param 'minutes' has an invalid type, expected integer" },
  });
  await page.field("observe", "minutes").fill("3");
  await page.action("observe").getByText("More parameters", { exact: true }).click();
  const more = page.field("observe", "More parameters as JSON");
  await more.fill("{ no");
  await page.action("observe").getByRole("button", { name: "Call", exact: true }).click();
  await page.action("observe").getByText("This is not JSON").waitFor();
  await more.fill('{ "note": { "a": [1] } }');
  const [, answer] = await page.call("observe");
  assert.deepEqual(answer.given, { position: [83.8, -5.4], minutes: 3, note: { a: [1] } });

  assert.deepEqual(await page.call("blink"), ["sent", null]);
  assert.equal((await page.call("refuse"))[1].error, "Not tonight");

  // Nothing but the page's own files, and nothing over HTTP besides.
  const allowed = /^\/(docs(\/docs\.(js|css)|\/logo\.svg)?|stellar-client|primus.*)$/;
  for (const { href, pathname, host } of page.asked) {
    assert.equal(host, new URL(page.url).host, href);
    assert.match(pathname, allowed);
  }
});

test("all that is wrong is said at its field", async (t) => {
  const page = await Page.open(t);
  await page.field("register", "name").fill("x");
  await page.field("register", "password").fill("short");
  const [word, { error }] = await page.call("register");
  assert.equal(word, "error");
  assert.ok(Object.keys(error).length >= 3, JSON.stringify(error));
  for (const [name, sentence] of Object.entries(error)) {
    const field = page.field("register", name);
    assert.equal(await field.getAttribute("aria-invalid"), "true", name);
    const ids = (await field.getAttribute("aria-describedby")).split(" ");
    const notes = await Promise.all(ids.map((id) => page.page.locator(`[id="${id}"]`).innerText()));
    assert.equal(notes.at(-1), sentence.message ?? sentence, name);
  }
  await page.window.picture("docs-faults");
  // A field that is changed is judged anew, and so is the next call.
  const changed = page.field("register", Object.keys(error)[0]);
  await changed.fill("Annabel");
  assert.equal(await changed.getAttribute("aria-invalid"), null);
  assert.deepEqual(await page.call("status").then(([word]) => word), "OK");
  await page.field("register", "name").fill("Annabel");
  await page.field("register", "password").fill("12345678");
  await page.field("register", "password_confirmation").fill("12345678");
  await page.field("register", "code").fill("ABC");
  assert.equal((await page.call("register"))[0], "OK");
  assert.equal(await page.page.locator('[aria-invalid="true"]').count(), 0);
});

test("a token is given on the page, and is in no address", async (t) => {
  const page = await Page.open(t, { args: ["--token", "secret"], state: "refused" });
  const { page: it } = page;
  await it.getByLabel("Token", { exact: true }).fill("wrong");
  await it.getByRole("button", { name: "Connect with it" }).click();
  await page.window.state("refused");
  await it.getByLabel("Token", { exact: true }).fill("secret");
  await it.getByRole("button", { name: "Connect with it" }).click();
  await page.window.state("connected");
  assert.equal((await page.call("status"))[0], "OK");
  // A call without an answer has a connection of its own, which needs the token, too.
  assert.deepEqual(await page.call("blink"), ["sent", null]);
  assert.equal(it.url(), `${page.url}/docs`);
  const kept = await it.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.doesNotMatch(kept, /secret/);
});

test("the first lines use what there is", async (t) => {
  for (const [args, line] of [
    [["--empty"], 'await client.roomAdd("defaultRoom");'],
    [["--empty", "--no-rooms"], "console.log(await client.detailsView());"],
  ]) {
    const page = await Page.open(t, { args });
    const sample = await page.page.locator(".intro pre").innerText();
    const call = sample.split("\n").find((text) => text.includes("client.roomAdd") || text.includes("detailsView"));
    assert.equal(call.trim(), line);
    const run = `await client.connect(); ${line} client.disconnect(); return "ran";`;
    const ran = page.page.evaluate(`(async () => { const client = new StellarClient(); ${run} })()`);
    assert.equal(await ran, "ran");
  }
});

test("the filter, by keyboard alone", async (t) => {
  const page = await Page.open(t);
  const all = await page.count();
  await page.page.keyboard.press("/");
  await page.page.keyboard.type("Telescope POINTS");
  await until(async () => (await page.count()) === 2);
  await page.window.reads("filter-count", `2 of ${all}`);
  await page.page.keyboard.press("Enter");
  await until(() => page.page.url().endsWith("#action.observe"));
  // The browser takes the focus along when it scrolls there, which is later.
  await until(() => page.page.evaluate(() => document.activeElement === document.body));
  await page.page.keyboard.press("/");
  await page.page.keyboard.type("nothing of that kind");
  await page.page.getByText("No action has that").waitFor();
  // A link to what is hidden shows it.
  await page.page.evaluate(() => (location.hash = "#error.019"));
  await page.page.locator('[id="error.019"]').waitFor();
  assert.equal(await page.count(), all);
});

test("names that are hard to show are shown, and can be called", async (t) => {
  const page = await Page.open(t, { args: ["--odd"] });
  for (const [id, name] of [
    ["__script__script_alert_1___script_", "</script><script>alert(1)</script>"],
    ["constructor", "constructor"],
    ["__proto__", "__proto__"],
    ["line_break_", "line\nbreak\u2028"],
    ["", ""],
  ]) {
    const [word] = await page.call(id);
    // It requires an input, which is not there yet.
    assert.equal(word, "error", name);
    await page.action(id).locator("select").selectOption({ label: "</option>" });
    assert.deepEqual(await page.call(id).then(([word, { odd }]) => [word, odd]), ["OK", true], name);
  }
  assert.deepEqual(await page.twice(), []);
});

test("without a script the page can be read", async (t) => {
  const server = await observatory(t);
  const demo = new Demo();
  Object.assign(demo, { test: t, server });
  const { page } = await demo.window({ path: "/docs", javaScriptEnabled: false });
  for (const text of ["Tells of one satellite", "client.roomAdd", "Unknown action (A)"]) {
    await page.getByText(text).first().waitFor();
  }
});

const sizes = {
  wide: { width: 1440, height: 900 },
  middle: { width: 900, height: 700 },
  phone: { width: 360, height: 740 },
};

for (const [size, viewport] of Object.entries(sizes)) {
  test(`${size}: nothing sticks out, with no actions, with many, with odd ones`, async (t) => {
    for (const [kind, args] of Object.entries({ many: [], none: ["--empty"], odd: ["--odd"] })) {
      for (const colorScheme of kind === "many" ? ["dark", "light"] : ["dark"]) {
        const page = await Page.open(t, { args, viewport, colorScheme, hasTouch: size === "phone" });
        const name = `docs-${size}-${colorScheme}-${kind}`;
        await page.window.picture(name);
        assert.deepEqual(await page.window.overflow(), { by: 0, out: [] }, name);
        for (const id of kind === "many" ? ["action.observe.v1", "verbs", "errors"] : []) {
          await page.page.evaluate((id) => document.getElementById(id).scrollIntoView(), id);
          await page.window.picture(`${name}-${id}`);
        }
        if (size === "wide") continue;
        await page.page.getByRole("button", { name: "Contents" }).click();
        await page.window.picture(`${name}-contents`);
        await page.page.getByRole("link", { name: "Errors" }).click();
        await page.page.locator("#side").waitFor({ state: "hidden" });
        assert.ok(page.page.url().endsWith("#errors"));
      }
    }
  });
}

test("the theme can be switched, and everything is named", async (t) => {
  const page = await Page.open(t, { colorScheme: "light" });
  const ground = () => page.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.window.$("theme").click();
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.page.reload();
  assert.equal(await ground(), dark);
  const nameless = await page.page.evaluate(() =>
    [...document.querySelectorAll("button, input, textarea, select, a, pre[tabindex]")]
      .filter((element) => {
        const label = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label");
        return !(label ?? element.textContent).trim();
      })
      .map((element) => element.outerHTML),
  );
  assert.deepEqual(nameless, []);
});
