// Scripts in a real browser: the client that the server makes, and Primus's own.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Demo } from "../support/demo.mjs";
import { library, versions } from "../support/primus.mjs";
import { until } from "../support/until.mjs";

for (const parser of ["json", "msgpack"]) {
  for (const name of ["stellar-client", "stellar-client.js", "stellar-client.min.js"]) {
    test(`${parser}: /${name}: every method and event`, async (t) => {
      const demo = await Demo.start(t, "--parser", parser);
      const window = await demo.plainWindow();
      await window.page.addScriptTag({ url: `/${name}` });
      const result = await window.page.evaluate(async () => {
        const client = new StellarClient({ reconnect: { min: 10, max: 100 } });
        const heard = new Set();
        const names = ["connected", "disconnected", "reconnecting", "reconnect", "state", "error"];
        for (const name of [...names, "message", "say", "alert", "api", "welcome", "send", "moved"]) {
          client.on(name, () => heard.add(name));
        }
        const said = new Promise((resolve) => client.once("say", resolve));
        const results = { connect: (await client.connect()).id === client.id };
        await client.roomAdd("defaultRoom");
        await client.join("orbit");
        await client.say("defaultRoom", { text: "é \u2028 🚀" });
        results.said = (await said).message.text;
        await client.say("to the default room, which the server told");
        results.view = (await client.roomView("defaultRoom")).membersCount;
        await client.emit("moved", 1);
        await client.to("orbit").emit("moved", 2);
        results.sum = (await client.action("sum", { a: 1, b: 2 })).sum;
        await client.action("alert");
        results.details = (await client.detailsView()).data.rooms;
        results.text = (await client.file("hello.txt")).mime;
        results.bytes = (await client.file("favicon.png", { as: "blob" })).content.type;
        await client.leave("orbit");
        results.error = await client.roomView("nowhere").catch(({ code }) => code);
        const back = new Promise((resolve) => client.once("reconnect", resolve));
        await client.action("dropMe").catch(({ code }) => (results.dropped = code));
        await back;
        results.rooms = client.rooms;
        await client.roomLeave("defaultRoom");
        await client.disconnect();
        results.http = (await client.action("sum", { a: 3, b: 4 })).sum;
        results.heard = [...heard].sort();
        return results;
      });
      assert.deepEqual(result, {
        connect: true,
        said: "é \u2028 \u{1f680}",
        view: 1,
        sum: 3,
        details: ["defaultRoom", "orbit"],
        text: result.text,
        bytes: "image/png",
        error: "019",
        dropped: "closed",
        rooms: ["defaultRoom"],
        http: 7,
        heard: [
          "alert",
          "connected",
          "disconnected",
          "error",
          "message",
          "moved",
          "reconnect",
          "reconnecting",
          "say",
          "send",
          "state",
          "welcome",
        ],
      });
      assert.match(result.text, /^text\/plain/);
    });
  }
}

for (const version of versions) {
  test(`primus ${version}'s own script`, async (t) => {
    const demo = await Demo.start(t);
    const window = await demo.plainWindow();
    await window.page.addScriptTag({ content: library(version) });
    const answers = await window.page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const primus = new Primus(location.origin);
          primus.on("error", reject);
          const got = [];
          primus.on("data", (data) => {
            got.push(data);
            if (got.length === 3) resolve(got);
          });
          primus.on("open", () => {
            primus.write({ event: "roomAdd", room: "defaultRoom" });
            primus.write({ event: "action", params: { action: "sum", a: 1, b: 2 } });
          });
        }),
    );
    assert.equal(answers[0].context, "api");
    assert.equal(answers[1].data, true);
    assert.equal(answers[2].sum, 3);
  });
}

test("the hash that the server prints is the script's: it loads with it, and not with another", async (t) => {
  const demo = await Demo.start(t);
  const [, printed] = await until(
    () => /\/stellar-client, integrity (sha384-\S+)\n/.exec(demo.server.output),
    "the hash",
  );
  const bytes = await (await fetch(`${demo.server.url}/stellar-client`)).arrayBuffer();
  assert.equal(printed, `sha384-${createHash("sha384").update(Buffer.from(bytes)).digest("base64")}`);
  const { page } = await demo.plainWindow({ networkMayFail: true });
  const load = (integrity) =>
    page.evaluate(
      (integrity) =>
        new Promise((resolve) => {
          const script = document.createElement("script");
          Object.assign(script, { src: "/stellar-client", integrity });
          script.onload = () => resolve(typeof StellarClient);
          script.onerror = () => resolve("blocked");
          document.head.append(script);
        }),
      integrity,
    );
  assert.equal(await load(`sha384-${"A".repeat(64)}`), "blocked");
  assert.equal(await load(printed), "function");
});

const installed = (path) => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));

/** Sockets of official libraries: the script that has it, how it is made, who answers it. */
const handedIn = {
  "a WebSocket": [null, () => () => new WebSocket(`ws://${location.host}/primus`), "ws"],
  "Primus's client": [{ content: library(8) }, () => new Primus({ manual: true }), "ws"],
  "engine.io-client": [
    { path: installed("engine.io-client/dist/engine.io.min.js") },
    () => () => eio(),
    "engine.io",
  ],
  "socket.io-client": [
    { path: installed("socket.io-client/dist/socket.io.min.js") },
    () => io({ autoConnect: false }),
    "socket.io",
  ],
  "sockjs-client": [
    { path: installed("sockjs-client/dist/sockjs.min.js") },
    () => () => new SockJS("/sockjs"),
    "sockjs",
  ],
};

for (const [name, [script, make, engine]] of Object.entries(handedIn)) {
  test(`/stellar-client of ${engine} takes ${name}, and comes back over it`, async (t) => {
    const demo = await Demo.start(t, "--transport", engine);
    const { page } = await demo.plainWindow({ networkMayFail: true });
    if (script) await page.addScriptTag(script);
    await page.addScriptTag({ url: "/stellar-client" });
    const said = await page.evaluate(async (make) => {
      const transport = (0, eval)(make)();
      globalThis.client = new StellarClient({ transport, reconnect: { min: 20, max: 300 } });
      await client.connect();
      await client.roomAdd("lobby");
      const said = new Promise((resolve) => client.once("say", resolve));
      await client.say("lobby", { text: "é \u2028 🚀" });
      return [client.transport.name, (await said).message.text];
    }, String(make));
    assert.deepEqual(said, ["own", "é \u2028 🚀"]);
    await demo.server.kill();
    await page.waitForFunction(() => client.state === "reconnecting");
    await demo.server.restart();
    await page.waitForFunction(() => client.state === "connected");
    const [sum, rooms] = await page.evaluate(async () => [
      (await client.action("sum", { a: 1, b: 2 })).sum,
      client.rooms,
    ]);
    assert.deepEqual([sum, rooms], [3, ["lobby"]]);
    await page.evaluate(() => client.disconnect());
  });
}

test("/stellar-client of ws says that it does not take socket.io-client", async (t) => {
  const demo = await Demo.start(t, "--transport", "ws");
  const { page } = await demo.plainWindow();
  const [script, make] = handedIn["socket.io-client"];
  await page.addScriptTag(script);
  await page.addScriptTag({ url: "/stellar-client" });
  const told = await page.evaluate(async (make) => {
    const client = new StellarClient({ transport: (0, eval)(make)() });
    return client.connect().catch(({ code }) => [code, client.state]);
  }, String(make));
  assert.deepEqual(told, ["unsupported", "closed"]);
});
