// The loads. Each has the role of the server, the arguments of the load generator, the figure that is
// the cost, and the approximate time besides the measurement.

const cpu = (unit) => (run) => run.server[`cpu_us_per_${unit}`];
const requests = ["echo", "action"];
const members = [10, 100, 1_000, 10_000];
const others = [0, 100, 1_000, 10_000];

/** Duration of the measurement of heartbeats, in seconds. */
const watched = 10;
/** Interval of heartbeats meanwhile, in ms; each connection has two. */
const fastHeartbeat = 5_000;

const echo = (id, title, ...how) => ({
  id, title, unit: "µs", roles: requests, cost: cpu("msg"), beside: 1.2,
  args: ({ seconds }) => ["echo", "-n", 100, ...how, "-t", seconds, "--warmup", warmUp(seconds)],
});

/** Duration for latencies: in one second, the 99th percentile has few samples. */
const longer = (load) => ({
  ...load, times: 3, beside: load.beside + 2, args: ({ seconds }) => load.args({ seconds: 3 * seconds }),
});

const say = (id, title, window) => ({
  id, title, unit: "µs", roles: ["say"], cost: cpu("delivery"), beside: 1.8,
  args: ({ seconds }) => fanout(seconds, 1_000, window),
});

const warmUp = (seconds) => Math.min(0.5, seconds / 3);

const fanout = (seconds, subscribers, window, ...more) => [
  "fanout", "-n", subscribers, "-w", window, "-t", seconds, "--warmup", warmUp(seconds), ...more,
];

/** `apart`: the core of the load processes packets on loopback, as another machine would. */
const sayTo = (count, apart) => ({
  id: `members ${count}${apart ? " apart" : ""}`,
  title: `say to ${count.toLocaleString("en")}${apart ? ", receivers apart" : ""}`, unit: "µs",
  roles: ["say"], cost: cpu("delivery"), curve: { name: apart ? "apart" : "members", x: count }, apart,
  only: ({ id }) => ["lean", "stellar ws"].includes(id), beside: 1 + count / 2_000,
  args: ({ seconds }) => fanout(seconds, count, 1),
});

/** The loads of every round. */
export const loads = [
  echo("echo8", "echo, 100 × 8", "-p", 8),
  echo("echo1", "echo, 100 × 1", "-p", 1),
  longer(echo("echo10k", "echo, 10,000/s", "--rate", 10_000)),
  echo("bursts", "echo, 10,000/s in bursts of 10", "--rate", 10_000, "--burst", 10),
  say("say1", "1 to 1,000, one at a time", 1),
  say("say8", "1 to 1,000, 8 in flight", 8),
  {
    id: "open", title: "open + close", unit: "µs", roles: ["open"], cost: cpu("conn"), beside: 1.5,
    args: ({ seconds }) => ["connect", "-n", Math.round(1_500 * seconds), "--first"],
    of: "open",
  },
  ...[false, true].flatMap((apart) => members.map((count) => sayTo(count, apart))),
];

/** The loads of the table of costs. */
export const tabled = loads.filter(({ curve }) => !curve);

/** The loads of the first round only: slow ones, or those with little variation. */
export const onceLoads = [
  {
    id: "idle", title: "idle connection", unit: "KiB", roles: ["idle"], beside: 6, of: "idle",
    cost: (run) => run.rss_kib_per_conn,
    args: () => ["idle", "-n", 10_000, "--settle", 1, "-t", 0.5],
  },
  {
    id: "heartbeat", title: "heartbeat", unit: "µs", roles: ["idle"], beside: 5 + watched,
    cost: (run) => run.idle.server.cpu_us_per_ping, only: ({ group }) => group === "ours",
    start: { pingInterval: fastHeartbeat },
    args: () => ["idle", "-n", 10_000, "--settle", 1, "-t", watched],
  },
  {
    id: "quiet", title: "10,000 connections without heartbeats", unit: "% of a core", roles: ["idle"],
    cost: (run) => run.idle.server.util_pct, only: ({ id }) => id === "stellar ws", beside: 9,
    start: { pingInterval: 0 },
    args: () => ["idle", "-n", 10_000, "--settle", 1, "-t", 4],
  },
  ...others.map((count) => ({
    id: `others ${count}`, title: `say to 100 beside ${count.toLocaleString("en")} rooms`, unit: "µs",
    roles: ["say"], cost: cpu("delivery"), curve: { name: "others", x: count },
    only: ({ id }) => id === "stellar ws", beside: 1 + count / 2_000,
    start: { otherRooms: count },
    args: ({ seconds }) =>
      fanout(seconds, 100, 1, ...(count ? ["--others", count, "--other-rooms", count] : [])),
  })),
];

export const allLoads = [...loads, ...onceLoads];

export function fits(load, server) {
  return load.roles.some((role) => server.roles.includes(role)) && (load.only?.(server) ?? true);
}
