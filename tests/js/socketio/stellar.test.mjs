// Stellar's verbs as events with acknowledgements, and its pushes as events.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compat } from "../support/server.mjs";
import { connect, heard, parsers } from "../support/socketio.mjs";
import { until } from "../support/until.mjs";

for (const [parser, options] of Object.entries(parsers)) {
  for (const transports of [["polling"], ["websocket"]]) {
    const title = `${parser}, ${transports}`;
    const start = async (t) => {
      const { url } = await compat(t, "--transport", "socket.io", "--parser", parser);
      return [await connect(t, url, { transports, ...options }), await connect(t, url, { transports, ...options })];
    };

    test(`${title}: bytes are base64 in JSON, and numbers in MessagePack`, async (t) => {
      const [ann] = await start(t);
      await ann.emitWithAck("roomAdd", "defaultRoom");
      const sent = [Uint8Array.of(1, 2, 3), Buffer.from([1, 2, 3])];
      for (const bytes of sent) {
        assert.equal((await ann.emitWithAck("say", "defaultRoom", { bytes })).status, "OK");
      }
      const pushes = await heard(ann, "user", sent.length);
      const base64 = { type: "Buffer", encoding: "base64", data: "AQID" };
      const expected = parser === "json" ? base64 : [1, 2, 3];
      assert.deepEqual(pushes.map(({ message }) => message.bytes), [expected, expected]);
    });

    test(`${title}: each verb is answered through its acknowledgement`, async (t) => {
      const [ann, bob] = await start(t);
      assert.deepEqual(await heard(ann, "welcome"), [
        { welcome: "Hello human! Welcome to Stellar", context: "api" },
      ]);
      const details = await ann.emitWithAck("detailsView");
      assert.equal(details.status, "OK");
      assert.equal(details.context, "response");
      assert.equal(details.messageCount, 1);
      assert.equal("messageId" in details, false);
      assert.equal((await ann.emitWithAck("roomAdd", "defaultRoom")).data, true);
      assert.equal((await ann.emitWithAck("roomAdd", "defaultRoom")).status.code, "017");
      assert.equal((await bob.emitWithAck("roomJoin", { room: "defaultRoom" })).data, true);
      const view = await bob.emitWithAck("roomView", "defaultRoom");
      assert.equal(view.data.membersCount, 2);

      assert.equal((await ann.emitWithAck("say", "defaultRoom", { text: "hi" })).status, "OK");
      const [push] = await heard(bob, "user");
      assert.deepEqual(push.message, { text: "hi" });
      assert.equal(push.room, "defaultRoom");
      assert.equal(push.from, details.data.id);
      await heard(ann, "user");

      const event = await ann.emitWithAck("event", "defaultRoom", "typing", { by: "ann" });
      assert.equal(event.status, "OK");
      assert.deepEqual(await heard(bob, "typing"), [{ by: "ann" }]);
      const [, second] = await heard(bob, "user", 2);
      assert.deepEqual(second.message, { event: "typing", data: { by: "ann" } });

      const unknown = await ann.emitWithAck("action", { action: "nothing of the kind" });
      assert.equal(unknown.error.code, "004");
      const file = await ann.emitWithAck("file", "nothing/of/the/kind");
      assert.equal(file.error.code, "010");
      assert.equal((await ann.emitWithAck("paramAdd", "a", 1)).status.code, "014");
      assert.equal((await ann.emitWithAck("roomLeave", "defaultRoom")).data, true);
      assert.equal((await ann.emitWithAck("say", "defaultRoom", "x")).status.code, "016");
    });

    test(`${title}: what a member sends does not pass for the server or the client itself`, async (t) => {
      const [ann, bob] = await start(t);
      const { data: details } = await bob.emitWithAck("detailsView");
      for (const client of [ann, bob]) await client.emitWithAck("roomAdd", "defaultRoom");
      const anybodys = "connect connect_error disconnect disconnecting newListener removeListener";
      const ours = "message primus user alert api welcome";
      const members =
        "destroy say connected disconnected error reconnect reconnecting state send membership";
      const names = [anybodys, ours, members].join(" ").split(" ");
      const ends = [];
      const heard = [];
      for (const name of ["connect", "connect_error", "disconnect"]) {
        ann.on(name, () => ends.push(name));
      }
      const before = ann.received.length;
      ann.onAny((name, ...args) => heard.push([name, ...args]));
      const data = { code: "018", context: "response", messageCount: 1 };
      for (const name of names) {
        assert.equal((await bob.emitWithAck("event", "defaultRoom", name, data)).status, "OK");
        assert.equal((await bob.emitWithAck("say", "defaultRoom", { event: name, data, from: 0 })).status, "OK");
      }
      await bob.emitWithAck("event", "defaultRoom", "last", data);
      await until(() => heard.some(([name]) => name === "last"), "the last one");
      const others = heard.filter(([name]) => name !== "user");
      assert.deepEqual(others.map(([name, first, push]) => [name, first, push.from]), [["last", data, details.id]]);
      const user = heard.filter(([name]) => name === "user").map(([, { from, message }]) => [from, message.event]);
      assert.deepEqual(user, [...names.flatMap((name) => [name, name]), "last"].map((name) => [details.id, name]));
      assert.deepEqual(ends, []);
      assert.equal(ann.received.length - before, heard.length);
      assert.deepEqual((await ann.emitWithAck("detailsView")).data.rooms, ["defaultRoom"]);

      // The server's own word for it comes under its name.
      const destroyed = new Promise((resolve) => ann.once("destroy", (...args) => resolve(args)));
      await bob.emitWithAck("action", "room", { room: "defaultRoom" });
      const [error, { from }] = await destroyed;
      assert.deepEqual([error.code, from], ["018", 0]);
    });

    test(`${title}: a push with a context of its own is an event \`message\`, and \`api\` too`, async (t) => {
      const [ann] = await start(t);
      const contexts = ["game", "connect", "disconnect", "destroy", "membership", ""];
      for (const context of contexts) {
        await ann.emitWithAck("action", "push", { payload: { context, n: 1 } });
      }
      for (const name of ["message", "api"]) {
        assert.deepEqual(
          await heard(ann, name, contexts.length),
          contexts.map((context) => ({ context, n: 1 })),
        );
      }
      const names = new Set(ann.received.map(([name]) => name));
      assert.deepEqual(names, new Set(["welcome", "message", "api"]));
    });

    test(`${title}: verbs as messages, with and without an acknowledgement`, async (t) => {
      const [ann] = await start(t);
      const acked = await ann.emitWithAck("message", { event: "roomAdd", room: "defaultRoom" });
      assert.equal(acked.data, true);
      ann.emit("message", { event: "detailsView", messageId: "mine" });
      const [response] = await heard(ann, "message");
      assert.equal(response.messageId, "mine");
      assert.deepEqual(response.data.rooms, ["defaultRoom"]);
      assert.equal(response.messageCount, 2);
    });

    test(`${title}: a hundred verbs at once are answered each to its own, in order`, async (t) => {
      const [ann] = await start(t);
      const answers = [];
      for (let n = 0; n < 100; n++) answers.push(ann.emitWithAck("detailsView"));
      const counts = (await Promise.all(answers)).map((answer) => answer.messageCount);
      assert.deepEqual(counts, Array.from({ length: 100 }, (_, n) => n + 1));
    });

    test(`${title}: quit ends the connection for good`, async (t) => {
      const [ann] = await start(t);
      const ended = new Promise((resolve) => ann.once("disconnect", resolve));
      ann.emit("quit");
      assert.equal(await ended, "io server disconnect");
      assert.equal(ann.active, false);
    });
  }
}
