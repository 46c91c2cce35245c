// Assembles the script for pages, as the server does: a function around the selected parts, with the
// core last. Its parameters are shared by the parts, see src/page.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// The path also resolves from the folder of bundled tests, which has the same depth.
const folder = fileURLToPath(new URL("../dist/page/", import.meta.url));

/** The parts that each engine needs. */
const needs = {
  ws: ["ws"],
  "engine.io": ["engineio", "fallback"],
  "socket.io": ["engineio", "socketio", "fallback"],
  sockjs: ["sockjs", "fallback"],
};
const order = ["msgpack", "ws", "engineio", "socketio", "sockjs", "fallback", "core"];

/** Returns the script for a server with these engines, codec and settings. */
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
