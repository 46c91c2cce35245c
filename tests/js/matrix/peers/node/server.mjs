// A server in Node, of the official packages: Primus over the engine that it is told, or Socket.IO.
// It takes the options of examples/compat that the behaviours use.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { servePrimus } from "./primus.mjs";
import { serveSocketIo } from "./socketio.mjs";
import { Stellar } from "./stellar.mjs";

const { values } = parseArgs({
  options: {
    listen: { type: "string" },
    transport: { type: "string" },
    parser: { type: "string", default: "json" },
    public: { type: "string", default: "/nowhere" },
    set: { type: "string", multiple: true, default: [] },
  },
});
const set = Object.fromEntries(
  values.set.map((pair) => [pair.split("=")[0].replace("server.", ""), Number(pair.split("=")[1])]),
);
const options = {
  engine: values.transport,
  parser: values.parser,
  pingInterval: set.pingInterval ?? 30_000,
  maxLength: set.maxLength ?? 10 << 20,
};

const http = createServer((_, response) => response.writeHead(404).end());
const stellar = new Stellar(values.public);
const serve = options.engine === "socket.io" ? serveSocketIo : servePrimus;
const stop = serve(http, stellar, options);

const [host, port] = values.listen.split(":");
http.listen(Number(port), host, () => console.log(`Listening on ${values.listen}`));
process.on("SIGTERM", () => stop(() => process.exit()));
