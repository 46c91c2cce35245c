// Stellar's messages over Primus's client: what the applications of StellarFW 1.x do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, parsers, versions } from "../support/primus.mjs";
import { chat } from "../support/server.mjs";
import { event, until } from "../support/until.mjs";

for (const version of versions) {
  for (const parser of parsers) {
    const title = `primus ${version}, ${parser}`;

    /** Sends a message and gives its answer. The server numbers what it gets, from 1. */
    function asker(client) {
      let count = 0;
      return async (message) => {
        const number = ++count;
        client.write(message);
        return until(
          () => client.received.find(({ messageCount }) => messageCount === number),
          `the answer to ${JSON.stringify(message)}`,
        );
      };
    }

    test(`${title}: greeting, rooms, chat, actions and files`, async (t) => {
      const server = await chat(t, "--parser", parser);
      const client = await connect(t, version, parser, server.url);
      const ask = asker(client);
      const { data: details } = await ask({ event: "detailsView" });
      assert.deepEqual(client.received[0], {
        welcome: "Hello human! Welcome to Stellar",
        context: "api",
      });
      assert.equal(details.id, await new Promise((resolve) => client.id(resolve)));
      assert.equal(details.remoteIP, "127.0.0.1");
      const joined = await ask({ event: "roomAdd", room: "lobby" });
      assert.deepEqual([joined.status, joined.data], ["OK", true]);
      const twice = await ask({ event: "roomJoin", room: "lobby" });
      assert.deepEqual([twice.error.code, twice.data], ["017", false]);

      const said = await ask({ event: "say", room: "lobby", message: { text: "hi \u{1f680}" } });
      assert.deepEqual(said, { context: "response", status: "OK", messageCount: 4 });
      const heard = await until(() => client.received.find(({ context }) => context === "user"));
      assert.deepEqual(heard.message, { text: "hi \u{1f680}" });
      assert.equal(heard.from, details.id);
      assert.ok(client.received.indexOf(said) < client.received.indexOf(heard));

      const sum = await ask({ event: "action", params: { action: "sum", a: 1, b: 2 } });
      assert.deepEqual(sum, { sum: 3, context: "response", messageCount: 5 });
      const file = await ask({ event: "file", file: "hello.txt" });
      assert.match(file.mime, /^text\/plain/);
      assert.equal(file.error, null);
      const unknown = await ask({ event: "paramAdd", key: "a", value: 1 });
      assert.equal(unknown.error.code, "014");
      // What cannot be decoded does not count.
      client.emit("outgoing::data", parser === "json" ? "{" : Buffer.from([0xc1]));
      const left = await ask({ event: "roomLeave", room: "lobby" });
      assert.equal(left.data, true);
    });

    test(`${title}: ended by the server with a wish to come back, it comes back`, async (t) => {
      const server = await chat(t, "--parser", parser);
      const client = await connect(t, version, parser, server.url);
      const back = event(client, "reconnected");
      let ended = 0;
      client.on("end", () => ended++);
      client.write({ event: "action", params: { action: "dropMe" } });
      await back;
      assert.equal(ended, 0);
      await until(() => client.received.filter(({ welcome }) => welcome).length === 2);
      // A new connection counts from 1.
      client.write({ event: "detailsView" });
      await until(() => client.received.some(({ messageCount }) => messageCount === 1));
    });

    test(`${title}: ended by the server for good, it stays away`, async (t) => {
      const server = await chat(t, "--parser", parser);
      const client = await connect(t, version, parser, server.url);
      let attempts = 0;
      client.on("reconnect scheduled", () => attempts++);
      const ended = event(client, "end");
      client.write({ event: "quit" });
      await ended;
      assert.equal(client.readyState, client.constructor.CLOSED);
      assert.equal(attempts, 0);
    });

    test(`${title}: a server that is stopped asks its clients to come again`, async (t) => {
      const server = await chat(t, "--parser", parser);
      const client = await connect(t, version, parser, server.url);
      let ended = 0;
      client.on("end", () => ended++);
      const back = event(client, "reconnected");
      await server.kill("SIGTERM");
      await server.restart();
      await back;
      assert.equal(ended, 0);
    });
  }
}
