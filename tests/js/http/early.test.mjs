// Answers that come before the request was sent, as Node's and curl's clients get them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { compat } from "../support/server.mjs";

const length = 8 * 1024 * 1024;
const chunk = Buffer.alloc(64 * 1024, "x");

const routes = [
  ["POST", "/api/randomNumber", "application/json", 413],
  ["POST", "/api/randomNumber", "application/x-www-form-urlencoded", 413],
  ["POST", "/api/randomNumber", "multipart/form-data; boundary=x", 413],
  ["POST", "/api/randomNumber", "image/png", 415],
  ["PUT", "/none.txt", "text/plain", 405],
  ["POST", "/stellar-client", "text/plain", 405],
  ["POST", "/docs", "text/plain", 405],
  ["POST", "/engine.io/?EIO=4&transport=polling&sid=none", "text/plain", 400],
  ["POST", "/socket.io/?EIO=4&transport=polling&sid=none", "text/plain", 400],
  ["POST", "/sockjs/000/none/xhr_send", "text/plain", 404],
  ["POST", "/sockjs/000/none/jsonp_send", "application/x-www-form-urlencoded", 404],
];

const start = (t) =>
  compat(
    t,
    ...["--transport", "ws,engine.io,socket.io,sockjs"],
    ...["--set", "maxBody=100000", "--set", "maxUpload=100000"],
  );

/** Sends `pieces` by Node's client; the status, or the error that came before any. */
async function send(server, method, path, headers, pieces, agent) {
  const request = http.request(server.url + path, { method, headers, agent });
  const errors = [];
  request.on("error", (error) => errors.push(error));
  const answered = new Promise((resolve, reject) => {
    request.once("response", async (response) => {
      let body = "";
      try {
        for await (const text of response.setEncoding("utf8")) body += text;
        resolve({ status: response.statusCode, body, errors });
      } catch (error) {
        reject(error);
      }
    });
    request.once("close", () => reject(errors[0] ?? new Error("no answer")));
  });
  // Written to the end, whatever is answered meanwhile.
  const written = (async () => {
    for await (const piece of pieces) {
      if (request.destroyed) return;
      if (!request.write(piece)) await drained(request);
    }
    request.end();
  })();
  const [answer] = await Promise.all([answered, written]);
  return answer;
}

/** Until more can be written, or nothing more can. */
async function drained(request) {
  const done = new AbortController();
  const either = ["drain", "close"].map((name) => once(request, name, { signal: done.signal }));
  await Promise.race(either);
  done.abort();
  await Promise.allSettled(either);
}

/** A long body; a form begins with the head of its only part. */
function* pieces(mime) {
  const head = 'Content-Disposition: form-data; name="file"; filename="x"';
  const begin = mime.startsWith("multipart/") ? `--x\r\n${head}\r\n\r\n` : "";
  yield Buffer.concat([Buffer.from(begin), chunk]).subarray(0, chunk.length);
  for (let sent = chunk.length; sent < length; sent += chunk.length) yield chunk;
}

async function* slowly(count, pause) {
  for (let n = 0; n < count; n++) {
    yield chunk;
    await sleep(pause);
  }
}

for (const [title, headers] of [
  ["with its length", { "content-length": length }],
  ["chunked", { "transfer-encoding": "chunked" }],
]) {
  test(`node:http hears every route, ${title}`, async (t) => {
    const server = await start(t);
    const agent = new http.Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    for (const [method, path, mime, status] of routes) {
      const all = { "content-type": mime, ...headers };
      const answer = await send(server, method, path, all, pieces(mime), agent);
      assert.equal(answer.status, status, `${method} ${path} ${mime}: ${answer.body}`);
      assert.deepEqual(answer.errors, [], `${method} ${path} ${mime}`);
    }
  });
}

test("node:http hears it while it writes slowly", async (t) => {
  const server = await start(t);
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const headers = { "content-type": "image/png", "transfer-encoding": "chunked" };
  const answer = await send(server, "POST", "/api/sum", headers, slowly(30, 50), agent);
  assert.equal(answer.status, 415);
  assert.deepEqual(answer.errors, []);
});

test("node:http need not send what it asked about", async (t) => {
  const server = await start(t);
  for (const [method, path, mime, status] of routes) {
    const headers = { "content-type": mime, "content-length": length, expect: "100-continue" };
    const request = http.request(server.url + path, { method, headers });
    request.on("continue", () => assert.fail("it shall not be sent"));
    request.flushHeaders();
    const [response] = await once(request, "response");
    assert.equal(response.statusCode, status, `${method} ${path} ${mime}`);
    response.resume();
    request.on("error", () => {});
    request.destroy();
  }
  // What is wanted is asked for.
  const body = JSON.stringify({ a: "x".repeat(50_000) });
  const headers = { "content-type": "application/json", expect: "100-continue" };
  headers["content-length"] = body.length;
  const request = http.request(`${server.url}/api/randomNumber`, { method: "POST", headers });
  request.flushHeaders();
  await once(request, "continue");
  request.end(body);
  const [response] = await once(request, "response");
  assert.equal(response.statusCode, 200);
  response.resume();
  await once(response, "end");
});

test("fetch hears every route, from memory and from a stream", async (t) => {
  const server = await start(t);
  for (const [method, path, mime, status] of routes) {
    for (const stream of [false, true]) {
      const body = stream ? Readable.toWeb(Readable.from(pieces(mime))) : Buffer.alloc(length, "x");
      const response = await fetch(server.url + path, {
        method,
        headers: { "content-type": mime },
        body,
        duplex: "half",
      });
      assert.equal(response.status, status, `${method} ${path} ${mime}`);
      await response.text();
    }
  }
});

test("curl hears every route", async (t) => {
  const server = await start(t);
  for (const [method, path, mime, status] of routes) {
    // Without Expect it sends at once; with it, it asks before.
    for (const expect of ["Expect:", "Expect: 100-continue"]) {
      const curl = spawn("curl", [
        ...["-sS", "-X", method, "-H", `Content-Type: ${mime}`, "-H", expect],
        ...["--data-binary", "@-", "-o", "-", "-w", "\n%{http_code}", server.url + path],
      ]);
      let [out, err] = ["", ""];
      curl.stdout.setEncoding("utf8").on("data", (text) => (out += text));
      curl.stderr.setEncoding("utf8").on("data", (text) => (err += text));
      curl.stdin.on("error", () => {});
      curl.stdin.end(Buffer.alloc(length, "x"));
      const [code] = await once(curl, "close");
      assert.equal(err, "", `${method} ${path}`);
      assert.equal(code, 0, `${method} ${path}`);
      assert.equal(Number(out.split("\n").at(-1)), status, `${method} ${path}: ${out}`);
    }
  }
});
