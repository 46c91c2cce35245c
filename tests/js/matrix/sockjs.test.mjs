import { ours } from "./peers/ours.mjs";
import { primus } from "./peers/primus.mjs";
import { sockJs } from "./peers/raw.mjs";
import { matrix } from "./run.mjs";

matrix("sockjs", [
  primus("sockjs", "json", "websocket"),
  sockJs("websocket"),
  // Its requests in Node tell of a stream's end, and nothing when it breaks.
  sockJs("xhr-streaming", true),
  sockJs("xhr-polling"),
  sockJs("eventsource"),
  ours("sockjs", "json"),
  ours("sockjs", "json", "xhr_streaming"),
  ours("sockjs", "json", "xhr"),
]);
