// The targets. Each is one number, which is met if it is at most the limit.

const lat = (name) => (run) => run.lat_us[name];
const echoes = ["echo8", "echo1", "echo10k", "bursts"];
const worst = (values) => (values.includes(undefined) ? undefined : Math.max(...values));

export const targets = [
  ...echoes.map((load) => ({
    what: `${load}: transport layer on ws, to lean`, limit: 1.5, unit: "×",
    value: (f) => f.ratio(load, "ws", "lean"),
  })),
  ...["p50", "p99"].map((name) => ({
    // Not worse, within the variation of the rounds of a few per cent.
    what: `latency ${name} at 10,000/s, to lean's`, limit: 1.05, unit: "×",
    value: (f) => f.ratio("echo10k", "ws", "lean", { pick: lat(name) }),
  })),
  ...echoes.map((load) => ({
    what: `${load}: Stellar action on ws, to lean`, limit: 3, unit: "×",
    value: (f) => f.ratio(load, "stellar ws", "lean"),
  })),
  {
    what: "say to 1,000, one at a time, to lean", limit: 1.1, unit: "×",
    value: (f) => f.ratio("say1", "stellar ws", "lean"),
  },
  {
    what: "say to 1,000, 8 in flight, to lean", limit: 1.3, unit: "×",
    value: (f) => f.ratio("say8", "stellar ws", "lean"),
  },
  ...[["", ""], [", receivers apart", " apart"]].map(([how, apart]) => ({
    what: `cost per member, 10,000 members, to that of 100${how}`, limit: 1.2, unit: "×",
    value: (f) =>
      f.ratio(`members 10000${apart}`, "stellar ws", "stellar ws", { otherLoad: `members 100${apart}` }),
  })),
  {
    what: "say beside 10,000 other rooms and connections, to none", limit: 1.1, unit: "×",
    value: (f) => f.ratio("others 10000", "stellar ws", "stellar ws", { otherLoad: "others 0" }),
  },
  ...[["engine.io", 2, 1.3], ["socket.io", 2, 1.3], ["sockjs", 1.3, 1.3]].flatMap(([engine, echo, say]) => [
    {
      what: `${engine}: worst echo, to our ws`, limit: echo, unit: "×",
      value: (f) => worst(echoes.map((load) => f.ratio(load, engine, "ws"))),
    },
    {
      what: `${engine}: worst say to 1,000, to our ws`, limit: say, unit: "×",
      value: (f) => worst(["say1", "say8"].map((load) => f.ratio(load, `stellar ${engine}`, "stellar ws"))),
    },
  ]),
  ...[["ws", 6], ["engine.io", 16], ["socket.io", 16]].map(([engine, limit]) => ({
    what: `memory of an idle connection, ${engine}`, limit, unit: "KiB",
    value: (f) => f.value("idle", `stellar ${engine}`),
  })),
  {
    what: "10,000 heartbeats a period of 30 s, ws", limit: 1, unit: "% of a core",
    value: (f) => heartbeatPercent(f, "stellar ws"),
  },
  {
    what: "opening a connection, with welcome and detailsView, to axum's upgrade and echo",
    limit: 1.5, unit: "×", value: (f) => f.ratio("open", "stellar ws", "axum"),
  },
  { what: "start to listening", limit: 50, unit: "ms", value: (f) => f.facts.startMs },
  { what: "release binary, the command", limit: 12, unit: "MiB", value: (f) => f.facts.binaryMiB },
  { what: "clean release build of the workspace", limit: 6, unit: "min", value: (f) => f.facts.buildMinutes },
];

/** The cost of 10,000 heartbeats over the default 30 seconds. */
export function heartbeatPercent(figures, server) {
  const microseconds = figures.value("heartbeat", server);
  return microseconds === undefined ? undefined : (microseconds * 10_000) / 1e6 / 30 * 100;
}
