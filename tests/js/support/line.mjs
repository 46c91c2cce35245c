// What stands between a client and a server: a line that can be held, and a page's address.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";

/** Forwards bytes, until it is held: then neither side hears anything of the other. */
export class Line {
  #pairs = new Set();
  #held = false;

  static async start(test, port) {
    const line = new Line();
    line.server = net.createServer({ allowHalfOpen: true }, (near) => line.#join(near, port));
    line.server.listen(0, "127.0.0.1");
    await once(line.server, "listening");
    line.url = `http://127.0.0.1:${line.server.address().port}`;
    test.after(() => {
      line.server.close();
      line.#cut();
    });
    return line;
  }

  #join(near, port) {
    const far = net.connect(port, "127.0.0.1");
    const pair = [near, far];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near]]) {
      from.on("data", (bytes) => {
        if (!this.#held && !to.write(bytes)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      });
      from.on("end", () => this.#held || to.end());
      from.on("error", () => {});
      from.on("close", () => this.#held || to.destroy());
    }
    near.on("close", () => this.#pairs.delete(pair));
  }

  #cut() {
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy());
  }

  /** From now on what is sent gets lost, and so do goodbyes. */
  hold() {
    this.#held = true;
  }

  /** Forwards again; what was there before is gone. */
  release() {
    this.#cut();
    this.#held = false;
  }
}

/**
 * Passes requests on with the `Origin` that a browser adds for a page: of the server itself unless
 * another is given, and none for `null`. A function makes it of the request's `Host`.
 */
export async function page(test, port, origin = (host) => `http://${host}`) {
  const sockets = new Set();
  const ask = (request) => {
    const headers = { ...request.headers };
    const value = typeof origin === "function" ? origin(headers.host) : origin;
    if (value !== null) headers.origin = value;
    return http.request({
      host: "127.0.0.1",
      port,
      method: request.method,
      path: request.url,
      headers,
    });
  };
  const server = http.createServer((request, response) => {
    const asked = ask(request);
    asked.on("response", (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy());
    response.on("close", () => asked.destroy());
    request.pipe(asked);
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.on("upgrade", (request, socket, head) => {
    const asked = ask(request);
    const start = (answer) => {
      const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
      for (let n = 0; n < answer.rawHeaders.length; n += 2) {
        lines.push(`${answer.rawHeaders[n]}: ${answer.rawHeaders[n + 1]}`);
      }
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    };
    socket.on("error", () => asked.destroy());
    asked.on("error", () => socket.destroy());
    asked.on("response", (answer) => {
      start(answer);
      answer.pipe(socket);
    });
    asked.on("upgrade", (answer, far, first) => {
      start(answer);
      socket.write(first);
      far.write(head);
      far.pipe(socket).pipe(far);
      far.on("error", () => socket.destroy());
      far.on("close", () => socket.destroy());
      socket.on("close", () => far.destroy());
    });
    asked.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${server.address().port}`;
}
