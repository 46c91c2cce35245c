// Proxies that do what proxies should not.
import { once } from "node:events";
import { createServer, request } from "node:http";

/** Gives on what was asked, once `answer` says how. Knows no WebSocket. */
async function proxy(test, target, answer) {
  const state = { requests: 0, cut: 0 };
  const server = createServer((asked, response) => {
    state.requests++;
    const { method, headers, url } = asked;
    const asking = request(new URL(url, target), { method, headers, agent: false });
    asking.on("error", () => response.destroy());
    asking.on("response", (given) => answer(given, response, state));
    response.on("close", () => asking.destroy());
    asked.pipe(asking);
  });
  server.on("upgrade", (_, socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  state.url = `http://127.0.0.1:${server.address().port}`;
  return state;
}

/** Lets nothing through before the response is whole. */
export const collecting = (test, target) =>
  proxy(test, target, (given, response) => {
    const parts = [];
    given.on("data", (part) => parts.push(part));
    given.on("error", () => response.destroy());
    given.on("end", () => {
      response.writeHead(given.statusCode, given.headers);
      response.end(Buffer.concat(parts));
    });
  });

/** Cuts responses that go on for longer than so many milliseconds. */
export const cutting = (test, target, longest) =>
  proxy(test, target, (given, response, state) => {
    const timer = setTimeout(() => {
      state.cut++;
      response.destroy();
    }, longest);
    given.on("error", () => response.destroy());
    response.on("close", () => clearTimeout(timer));
    response.writeHead(given.statusCode, given.headers);
    given.pipe(response);
  });
