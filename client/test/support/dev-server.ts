// Serves the demo page on the test server, for working on the page: `npm run dev [port]`.
import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { page } from "../../scripts/page.mjs";
import { mimeOf } from "./files";
import { TestServer } from "./server";

const root = join(fileURLToPath(import.meta.url), "../..");
const publicFolder = join(root, "../examples/chat/public");
const settings = {
  url: null,
  path: "/primus",
  api: "/api",
  transports: ["ws"],
  parser: "json",
  pingInterval: 5000,
  defaultRoom: "lobby",
  simultaneousActions: 5,
  timeout: 10000,
  reconnect: { min: 500, factor: 2, retries: null },
  version: "0.1.0",
};

const server = await TestServer.start({
  port: Number(process.argv[2] ?? 8080),
  pingInterval: settings.pingInterval,
  publicFolder,
  rooms: ["lobby", "observatory", "engine-room"],
  handler: async (request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    if (/^\/stellar-client(\.js)?$/.test(pathname)) {
      response.setHeader("content-type", "application/javascript");
      response.end(page(settings.transports, { minified: false, settings }));
      return;
    }
    const path = join(publicFolder, normalize(pathname === "/" ? "/index.html" : pathname));
    try {
      const content = await readFile(path);
      response.setHeader(
        "content-security-policy",
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'",
      );
      response.setHeader("content-type", `${mimeOf(path)}; charset=utf-8`);
      response.end(content);
    } catch {
      response.writeHead(404).end("Not found");
    }
  },
});
process.stdout.write(`${server.url}\n`);
