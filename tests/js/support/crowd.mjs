/**
 * Many clients that do not stop asking. It runs in pages too, so it uses nothing from outside.
 * Every answer says itself whether it belongs to its request. `urls` are addresses that they spread
 * over.
 */
export function crowd(StellarClient, options, count, urls = [options.url]) {
  const told = { made: 0, settled: 0, right: 0, wrong: [], codes: {}, unsure: 0, heard: 0 };
  let stopped = false;
  let number = 0;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  const ask = async (promise, isRight) => {
    told.made++;
    try {
      const answer = await promise;
      if (isRight(answer)) told.right++;
      else told.wrong.push(answer);
    } catch (error) {
      const { code, mayHaveRun } = error;
      told.codes[code] = (told.codes[code] ?? 0) + 1;
      if (mayHaveRun) told.unsure++;
    }
    told.settled++;
  };

  const run = async (client) => {
    while (!stopped) {
      const a = ++number;
      await Promise.all([
        ask(client.action("sum", { a, b: 1 }, { timeout: 20_000 }), ({ sum }) => sum === a + 1),
        ask(client.roomView("lobby"), ({ room }) => room === "lobby"),
        ask(client.say("lobby", a), ({ status, sum }) => status === "OK" && sum === undefined),
        ask(client.file("hello.txt"), ({ mime }) => /^text\/plain/.test(mime)),
      ]);
      await pause(client.state === "connected" ? 5 : 50);
    }
  };

  const clients = Array.from(
    { length: count },
    (_, index) => new StellarClient({ ...options, url: urls[index % urls.length] }),
  );
  let runs;
  return {
    clients,
    told,
    /** Connects everybody, and begins. */
    async start() {
      for (const client of clients) client.on("say", () => told.heard++);
      await Promise.all(clients.map((client) => client.connect()));
      await Promise.all(clients.map((client) => client.roomAdd("lobby")));
      runs = clients.map(run);
    },
    /** Who is connected, and in the room. */
    here: () => clients.filter(({ state, rooms }) => state === "connected" && rooms.includes("lobby")).length,
    /** Waits until every promise is settled; then everybody looks at the room once more. */
    async stop() {
      stopped = true;
      await Promise.all(runs);
      const views = await Promise.all(clients.map((client) => client.roomView("lobby")));
      const details = await Promise.all(clients.map((client) => client.detailsView()));
      for (const client of clients) await client.disconnect();
      return {
        ...told,
        due: clients.reduce((sum, { pending, queued }) => sum + pending + queued, 0),
        members: [...new Set(views.map(({ membersCount }) => membersCount))],
        ids: clients.filter(({ id }, index) => details[index].id === id).length,
        rooms: details.filter(({ rooms }) => rooms.join() === "lobby").length,
      };
    },
  };
}
