// Primus's server, over the transformer of each engine: ws, engine.io and sockjs are its packages.
import { createRequire } from "node:module";

const Primus = createRequire(import.meta.url)("primus8");
const transformers = { ws: "websockets", "engine.io": "engine.io", sockjs: "sockjs" };

/** Gives every spark to Stellar's layer; what it returns ends the server, so that clients come again. */
export function servePrimus(http, stellar, { engine, parser, pingInterval, maxLength }) {
  const primus = new Primus(http, {
    transformer: transformers[engine],
    parser,
    pingInterval,
    maxLength,
  });
  primus.authorize(({ query }, done) => {
    done(query.refuse && { statusCode: 401, message: query.refuse });
  });
  primus.on("connection", (spark) => stellar.welcome(spark));
  return (done) => primus.destroy({ reconnect: true, timeout: 10 }, done);
}
