// The server is killed, and the network cut, under many clients that do not stop asking.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { crowd } from "../support/crowd.mjs";
import { Proxy } from "../support/proxy.mjs";
import { Setup } from "../support/stellar.mjs";
import { until } from "../support/until.mjs";

const count = 50;

for (const [engine, upgrades] of [
  ["ws", "pass"],
  ["engine.io", "pass"],
  ["engine.io", "403"],
  ["socket.io", "pass"],
  ["socket.io", "403"],
  ["sockjs", "pass"],
  ["sockjs", "403"],
]) {
  const name = `${engine}${upgrades === "pass" ? "" : " without WebSockets"}`;
  test(`${name}: ${count} clients through two restarts and a cut`, async (t) => {
    const setup = await Setup.start(t, {}, "--transport", engine);
    const proxy = await Proxy.start(t, setup.server.port);
    proxy.upgrades = upgrades;
    const options = {
      url: proxy.url,
      WebSocket,
      transports: [engine],
      reconnect: { min: 20, max: 300 },
    };
    const all = crowd(setup.StellarClient, options, count);
    t.after(() => all.clients.forEach((client) => client.disconnect()));
    await all.start();
    // A restart is last: a session without WebSockets that was cut stays in its rooms until the
    // server has waited for it long enough.
    for (const fault of ["kill", "cut", "kill"]) {
      const { right } = all.told;
      await until(() => all.told.right > right + 500, "answers");
      if (fault === "cut") proxy.cut();
      else {
        await setup.server.kill();
        await until(() => all.here() === 0, "everybody to notice");
        await setup.server.restart();
      }
      await until(() => all.here() === count, "everybody to be back");
    }
    const { right } = all.told;
    await until(() => all.told.right > right + 500, "answers");
    const told = await all.stop();
    assert.equal(told.settled, told.made);
    assert.deepEqual([told.wrong, told.due], [[], 0]);
    assert.deepEqual([told.members, told.ids, told.rooms], [[count], count, count]);
    assert.ok(told.heard > 0 && told.unsure > 0);
    const codes = Object.keys(told.codes).filter(
      (code) => !["closed", "offline", "dropped", "016"].includes(code),
    );
    assert.deepEqual(codes, []);
  });
}
