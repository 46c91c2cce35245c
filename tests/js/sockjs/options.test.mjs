// The options that the echo servers have in common, and what SockJS's come to.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { engineio, socketio, sockjs } from "../support/server.mjs";
import { ask } from "../support/sockjs.mjs";

const numbers = ["--ping-interval", "--ping-timeout", "--max-payload", "--connect-timeout"];

for (const [name, program] of Object.entries({ engineio, socketio, sockjs })) {
  test(`${name}: --help lists what all of them take, and all of that is taken`, async (t) => {
    const values = numbers.flatMap((option) => [option, "9000"]);
    const { command } = await program(t, "--parser", "raw", ...values);
    const { stdout } = spawnSync(command, ["--help"], { encoding: "utf8" });
    for (const option of ["--listen", "--parser", ...numbers]) assert.ok(stdout.includes(option), option);
    const { status, stderr } = spawnSync(command, ["--parser", "xml"], { encoding: "utf8" });
    assert.equal(status, 2);
    assert.match(stderr, /json, msgpack or raw/);
  });
}

const post = (url, body = "") => ask(url, { method: "POST", body }).then(({ text }) => text);

test("sockjs: a sign of life as often as it is told", async (t) => {
  const { url } = await sockjs(t, "--ping-interval", "50", "--heartbeat", "0");
  const session = `${url}/echo/000/life`;
  assert.equal(await post(`${session}/xhr`), "o\n");
  for (let n = 0; n < 20; n++) assert.equal(await post(`${session}/xhr`), "h\n");
});

test("sockjs: the longest message", async (t) => {
  const { url } = await sockjs(t, "--max-payload", "100", "--parser", "raw");
  const session = `${url}/echo/000/long`;
  assert.equal(await post(`${session}/xhr`), "o\n");
  await post(`${session}/xhr_send`, JSON.stringify(["x".repeat(100)]));
  assert.equal(await post(`${session}/xhr`), `a["${"x".repeat(100)}"]\n`);
  await post(`${session}/xhr_send`, JSON.stringify(["x".repeat(101)]));
  assert.equal(await post(`${session}/xhr`), 'c[1009,"message too big"]\n');
});

test("sockjs: a stream ends after 4,096 bytes where the public suite wants that", async (t) => {
  const { url } = await sockjs(t, "--parser", "raw");
  for (const path of ["/echo", "/disabled_websocket_echo", "/cookie_needed_echo"]) {
    const session = `${url}${path}/000/stream`;
    let streamed;
    post(`${session}/xhr_streaming`).then((text) => (streamed = text));
    const body = JSON.stringify(["x".repeat(1_000)]);
    // At first there may be no session yet.
    while (streamed === undefined) await post(`${session}/xhr_send`, body);
    const frames = streamed.slice(2_049);
    assert.ok(frames.startsWith("o\n"), path);
    // By default it would be 128 KiB.
    assert.ok(frames.length >= 4_096 && frames.length < 65_536, `${path}: ${frames.length}`);
  }
});
