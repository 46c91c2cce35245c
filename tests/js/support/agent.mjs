/**
 * One client, made and used as it is told to, and everything that it told. It runs in pages too, so
 * it uses nothing from outside, and takes and gives only what JSON can hold.
 */
export function agent(StellarClient) {
  let client;
  let told;
  let said;
  let begun;
  const outcome = (promise) =>
    promise.then(
      (answer) => ({ answer }),
      ({ code, message, status, mayHaveRun }) => ({ code, message, status, mayHaveRun }),
    );
  const events = ["connected", "disconnected", "reconnecting", "reconnect"];
  return {
    /** Makes a new client; the one before is ended. */
    async make(options) {
      await client?.disconnect();
      client = new StellarClient(options);
      [told, said, begun] = [[client.state], [], {}];
      client.on("state", (state) => told.push(state));
      for (const name of events) client.on(name, () => told.push(`(${name})`));
      client.on("say", ({ message }) => said.push(message));
    },
    /** Calls a method, and tells how it ends. */
    call: (method, ...args) => outcome(client[method](...args)),
    /** Calls a method; how it ends is told later. */
    begin(name, method, ...args) {
      begun[name] = outcome(client[method](...args));
    },
    end: (name) => begun[name],
    /** What there is to look at. */
    look: () => ({
      told: [...told],
      said: [...said],
      ...{ state: client.state, id: client.id, rooms: client.rooms },
      ...{ pending: client.pending, queued: client.queued, way: client.transport?.way },
    }),
    /** What the next attempts ask with. */
    ask(query) {
      client.options.query = query;
    },
    /** What the browser believes of the network. */
    believe(onLine) {
      // A browser goes on telling the truth by itself.
      if (onLine && "onLine" in Object.getPrototypeOf(navigator)) delete navigator.onLine;
      else Object.defineProperty(navigator, "onLine", { value: onLine, configurable: true });
      dispatchEvent(new Event(onLine ? "online" : "offline"));
    },
    /** The page is looked at again. */
    wake() {
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    },
  };
}
