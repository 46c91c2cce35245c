/**
 * What a client is for, over whatever it is connected; throws when it does not work, and tells the
 * way it went. It runs in pages and in other runtimes too, so it uses nothing from outside.
 */
export async function works(client) {
  const check = (right, what) => {
    if (!right) throw new Error(`${what} does not work`);
  };
  if (!client.rooms.includes("lobby")) await client.roomAdd("lobby");
  const said = new Promise((resolve) => client.once("say", resolve));
  check((await client.say("lobby", { text: "é \u2028 🚀" })).status === "OK", "say");
  check((await said).message.text === "é \u2028 🚀", "hearing");
  const sums = Array.from({ length: 40 }, (_, a) => client.action("sum", { a, b: 1 }));
  check((await Promise.all(sums)).every(({ sum }, a) => sum === a + 1), "action");
  const { content, length } = await client.file("favicon.png", { as: "bytes" });
  check(content.length === length, "file");
  const long = "long ".repeat(40_000);
  check((await client.action("echo", { long })).long === long, "a long message");
  const refused = await client.roomAdd("nowhere").catch(({ code }) => code);
  check(refused === "019", "an error");
  return `${client.transport.name} ${client.transport.way}`;
}
