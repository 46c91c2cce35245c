// The rooms and the file of the application of StellarFW's tests.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Compat } from "../support/compat.mjs";
import { connect, parsers } from "../support/primus.mjs";
import { root } from "../support/server.mjs";
import { until } from "../support/until.mjs";

for (const parser of parsers) {
  test(`${parser}: two rooms, and nothing of one is heard in the other`, async (t) => {
    const it = await Compat.start(t, { parser });
    const other = await connect(t, "6", parser, it.server.url);
    const { data: details } = await it.ask({ event: "detailsView" });
    assert.deepEqual(it.client.received[0], {
      welcome: "Hello human! Welcome to Stellar",
      context: "api",
    });
    assert.deepEqual(details.rooms, []);
    for (const room of ["defaultRoom", "otherRoom"]) {
      const { status, data } = await it.ask({ event: "roomAdd", room });
      assert.deepEqual([status, data], ["OK", true]);
    }
    other.write({ event: "roomAdd", room: "otherRoom" });
    await until(() => other.received.some(({ messageCount }) => messageCount === 1));
    const { data } = await it.ask({ event: "roomView", room: "otherRoom" });
    assert.equal(data.room, "otherRoom");
    assert.equal(data.membersCount, 2);
    assert.deepEqual(data.members[details.id], {
      id: details.id,
      joinedAt: data.members[details.id].joinedAt,
    });

    await it.ask({ event: "say", room: "defaultRoom", message: "first" });
    await it.ask({ event: "say", room: "otherRoom", message: "second" });
    const said = await until(() => other.received.find(({ context }) => context === "user"));
    assert.deepEqual(said, {
      message: "second",
      room: "otherRoom",
      from: details.id,
      context: "user",
      sentAt: said.sentAt,
    });
    const refused = (code, message, name) => {
      const error = { code, message, ...(name && { name }) };
      return { status: error, error, data: false, context: "response" };
    };
    const { messageCount, ...nowhere } = await it.ask({ event: "roomAdd", room: "crazyRoom" });
    assert.equal(messageCount, 7);
    assert.deepEqual(
      nowhere,
      refused("019", "Room (crazyRoom) does not exists", "ConnectionRoomNotExist Error"),
    );
    const left = await it.ask({ event: "roomLeave", room: "otherRoom" });
    assert.equal(left.data, true);
    const again = await it.ask({ event: "roomLeave", room: "otherRoom" });
    assert.equal(again.error.code, "016");
    const after = await it.ask({ event: "detailsView" });
    assert.deepEqual(after.data.rooms, ["defaultRoom"]);
  });

  test(`${parser}: simple.html by message and over HTTP`, async (t) => {
    const it = await Compat.start(t, { parser });
    const content = await readFile(join(root, "examples/compat/public/simple.html"), "utf8");
    const { lastModified, mime, messageCount, ...file } = await it.ask({
      event: "file",
      file: "simple.html",
    });
    assert.deepEqual(file, {
      error: null,
      content,
      length: Buffer.byteLength(content),
      context: "response",
    });
    assert.equal(messageCount, 1);
    assert.match(mime, /^text\/html/);
    assert.ok(!Number.isNaN(Date.parse(lastModified)));
    const response = await fetch(`${it.server.url}/simple.html`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^text\/html/);
    assert.equal(await response.text(), content);

    const { content: none, error } = await it.ask({ event: "file", file: "missing.html" });
    assert.equal(none, null);
    assert.deepEqual(error, { code: "010", message: "The requested file not exists" });
    const { error: unnamed } = await it.ask({ event: "file" });
    assert.equal(unnamed.code, "012");
    assert.equal((await fetch(`${it.server.url}/missing.html`)).status, 404);
  });
}
