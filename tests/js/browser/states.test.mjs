// Every arrow of the client's states over every way of every engine, in a browser.
import { test } from "node:test";
import { agent } from "../support/agent.mjs";
import { browser } from "../support/demo.mjs";
import { Proxy } from "../support/proxy.mjs";
import { compat } from "../support/server.mjs";
import { everyArrow, ways } from "../support/states.mjs";

for (const [engine, upgrades, way] of ways) {
  test(`${engine}, ${way}`, async (t) => {
    const server = await compat(t, "--transport", engine);
    const proxy = await Proxy.start(t, server.port);
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
    await page.goto(`${proxy.url}/simple.html`);
    await page.addScriptTag({ url: "/stellar-client" });
    await page.addScriptTag({ content: `${agent}; globalThis.agent = agent(StellarClient);` });
    const there = (method) => (...args) =>
      page.evaluate(([method, args]) => agent[method](...args), [method, args]);
    const names = ["make", "call", "end", "look", "ask", "believe", "wake"];
    const own = Object.fromEntries(names.map((name) => [name, there(name)]));
    // It would wait for the end of what only begins.
    own.begin = (...args) => page.evaluate((args) => void agent.begin(...args), args);
    const network = (on) => context.setOffline(!on);
    await everyArrow(t, { engine, upgrades, way, proxy, agent: own, network });
  });
}
