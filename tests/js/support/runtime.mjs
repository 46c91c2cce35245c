// Run by each runtime: the package's module at this address, against a server at that one.
import { works } from "./works.mjs";

const [module, url, options] = process.argv.slice(2);
const { StellarClient } = await import(module);
const client = new StellarClient({ url, timeout: 20_000, ...JSON.parse(options) });
// Without one, before anything else.
const { sum } = await client.action("sum", { a: 2, b: 3 });
try {
  await client.connect();
  const way = await works(client);
  const { id } = client;
  const back = new Promise((resolve) => client.once("reconnect", resolve));
  await client.action("dropMe").catch(() => {});
  await back;
  console.log(JSON.stringify({ way, sum, rooms: client.rooms, anew: client.id !== id }));
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message, state: client.state }));
}
await client.disconnect();
