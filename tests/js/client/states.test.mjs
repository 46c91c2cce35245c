// Every arrow of the client's states over every way of every engine, in Node.
import { test } from "node:test";
import { WebSocket } from "ws";
import { agent } from "../support/agent.mjs";
import { Proxy } from "../support/proxy.mjs";
import { compat } from "../support/server.mjs";
import { everyArrow, ways } from "../support/states.mjs";
import { builds } from "../support/stellar.mjs";

// What a page has, and Node has not.
const window = new EventTarget();
const page = Object.assign(new EventTarget(), { hidden: false });
page.addEventListener("visibilitychange", ({ type, bubbles }) => {
  if (bubbles) window.dispatchEvent(new Event(type));
});
for (const [name, value] of Object.entries({
  navigator: { onLine: true },
  document: page,
  addEventListener: window.addEventListener.bind(window),
  removeEventListener: window.removeEventListener.bind(window),
  dispatchEvent: window.dispatchEvent.bind(window),
})) {
  Object.defineProperty(globalThis, name, { value, configurable: true });
}

for (const [engine, upgrades, way] of ways) {
  test(`${engine}, ${way}`, async (t) => {
    const server = await compat(t, "--transport", engine);
    const proxy = await Proxy.start(t, server.port);
    const { StellarClient } = builds.json.mjs;
    const own = agent(class extends StellarClient {
      constructor(options) {
        super({ url: proxy.url, WebSocket, ...options });
      }
    });
    await everyArrow(t, { engine, upgrades, way, proxy, agent: own });
  });
}
