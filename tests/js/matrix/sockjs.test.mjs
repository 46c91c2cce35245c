import { ours } from "./peers/ours.mjs";
import { primus } from "./peers/primus.mjs";
import { sockJs } from "./peers/raw.mjs";
import { matrix } from "./run.mjs";

/** Primus hands sockjs-client the option `transport`: by one of its ways, without hurry. */
const by = (way, timeout = 30_000) => ({ transport: { transports: [way], timeout } });

matrix("sockjs", [
  primus("sockjs", "json", "websocket"),
  primus("sockjs", "json", "xhr-streaming", by("xhr-streaming"), true),
  primus("sockjs", "json", "xhr-polling", by("xhr-polling")),
  // A refusal it finds out by that time alone.
  primus("sockjs", "json", "eventsource", by("eventsource", 5_000)),
  sockJs("websocket"),
  // Its requests in Node tell of a stream's end, and nothing when it breaks.
  sockJs("xhr-streaming", true),
  sockJs("xhr-polling"),
  sockJs("eventsource"),
  ours("sockjs", "json"),
  ours("sockjs", "json", "xhr_streaming"),
  ours("sockjs", "json", "xhr"),
]);
