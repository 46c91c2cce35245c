// The ways that browsers of old need, read as those would: events, scripts that call a function,
// a page that is never whole.
import assert from "node:assert/strict";
import { get } from "node:http";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import EventSource from "eventsource";
import { sockjs } from "../support/server.mjs";
import { ask } from "../support/sockjs.mjs";
import { texts } from "../support/texts.mjs";
import { until } from "../support/until.mjs";

// On a busy machine some seconds go by before a reader comes again.
const raw = ["--parser", "raw", "--heartbeat", "0", "--disconnect-delay", "60000"];
const many = Array.from({ length: 500 }, (_, n) => `${n} ${"x".repeat(n)}`);

/** What a page does to send: a form, or a body of JSON. */
async function send(session, messages, form) {
  const body = JSON.stringify(messages);
  const answer = await (form
    ? ask(`${session}/jsonp_send`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: `d=${encodeURIComponent(body)}`,
      })
    : ask(`${session}/xhr_send`, { method: "POST", body }));
  assert.deepEqual([answer.status, answer.text], form ? [200, "ok"] : [204, ""]);
}

/** The messages of frames, of which the first must open the session. */
function messages(frames) {
  assert.equal(frames[0], "o");
  return frames
    .slice(1)
    .filter((frame) => frame !== "h")
    .flatMap((frame) => {
      assert.equal(frame[0], "a", frame);
      return JSON.parse(frame.slice(1));
    });
}

test("events, as EventSource reads them, response after response", async (t) => {
  const server = await sockjs(t, ...raw);
  const session = `${server.url}/echo/000/events`;
  const source = new EventSource(`${session}/eventsource`);
  t.after(() => source.close());
  const frames = [];
  // It asks again by itself when a response has ended.
  // The client of SockJS decodes each event.
  source.onmessage = ({ data }) => frames.push(decodeURI(data));
  await until(() => frames.length === 1);
  await send(session, texts, false);
  // A response holds 4 KiB, and it takes a second before it asks for the next.
  const some = many.slice(0, 200);
  for (const text of some) await send(session, [text], false);
  await until(() => messages(frames).length === texts.length + some.length, "the messages");
  assert.deepEqual(messages(frames), [...texts, ...some]);
});

test("scripts, as a page runs them", async (t) => {
  const server = await sockjs(t, ...raw);
  const session = `${server.url}/sockjs/000/scripts`;
  const frames = [];
  const poll = async () => {
    const { status, headers, text } = await ask(`${session}/jsonp?c=_jp.abc`);
    assert.equal(status, 200);
    assert.match(headers["content-type"], /^application\/javascript/);
    const before = frames.length;
    runInNewContext(text, { _jp: { abc: (frame) => frames.push(frame) } });
    assert.equal(frames.length, before + 1);
  };
  await poll();
  await send(session, texts, true);
  while (messages(frames).length < texts.length) await poll();
  for (const text of many) await send(session, [text], true);
  while (messages(frames).length < texts.length + many.length) await poll();
  assert.deepEqual(messages(frames), [...texts, ...many]);
});

test("a page in a frame, as a browser runs it while it comes", async (t) => {
  const server = await sockjs(t, ...raw);
  const session = `${server.url}/sockjs/000/page`;
  const frames = [];
  let started = 0;
  let stopped = false;
  let reading;
  const message = (frame) => frames.push(frame);
  const parent = { abc: { start: () => started++, message, stop() {} } };
  function read() {
    let page = "";
    let scripts = 0;
    const context = { parent, document: {}, window: {} };
    reading = get(`${session}/htmlfile?c=abc`, (response) => {
      response.setEncoding("utf8");
      response.on("data", (part) => {
        page += part;
        // A script runs as soon as its end has come.
        const whole = [...page.matchAll(/<script>([^]*?)<\/script>/g)];
        for (const [, script] of whole.slice(scripts)) runInNewContext(script, context);
        scripts = whole.length;
      });
      // When the page was stopped by the server, the client loads the next.
      response.on("end", () => stopped || read());
    });
  }
  read();
  t.after(() => {
    stopped = true;
    reading.destroy();
  });
  await until(() => frames.length === 1);
  assert.equal(started, 1);
  await send(session, texts, true);
  for (const text of many) await send(session, [text], true);
  await until(() => messages(frames).length === texts.length + many.length, "the messages");
  assert.deepEqual(messages(frames), [...texts, ...many]);
});
