// Puts the script for pages together, as the server does (src/client.rs): a function around the
// parts that are wanted, the core last. What they share are its parameters, see src/page.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Also from where tests are bundled to, which is another folder of the same depth.
const folder = fileURLToPath(new URL("../dist/page/", import.meta.url));

/** What each engine needs. */
const needs = {
  ws: ["ws"],
  "engine.io": ["engineio", "fallback"],
  "socket.io": ["engineio", "socketio", "fallback"],
  sockjs: ["sockjs", "fallback"],
};
const order = ["msgpack", "ws", "engineio", "socketio", "sockjs", "fallback", "core"];

/** The script for a server with these engines, this codec and these settings. */
export function page(engines, { parser = "json", minified = true, settings = {} } = {}) {
  const wanted = new Set(["core", ...engines.flatMap((name) => needs[name])]);
  if (parser === "msgpack") wanted.add("msgpack");
  const end = minified ? ".min.js" : ".js";
  const parts = order.filter((name) => wanted.has(name)).map((name) => readFileSync(folder + name + end, "utf8"));
  return [
    "(function($target,$parts,$settings){\n",
    ...parts,
    `})(typeof exports=="object"?exports:globalThis,{transports:{},own:[]},${JSON.stringify(settings)});\n`,
  ].join("");
}
