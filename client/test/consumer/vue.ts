// Not run: the build compiles it against the declarations, as a component of Vue would use them.
import { createClient, StellarClient } from "stellar-client";
import { useAction, useConnection, useRoom, useStellarEvent } from "stellar-client/vue";
import type { Actions, Declared, Generated } from "./actions.js";

/** A client that was not told of any actions. */
export function Untyped() {
  const client = new StellarClient();
  const sum = useAction(client, "sum");
  const total: unknown = sum.answer.value?.sum;
  const called = sum.call({ a: 1, b: 2 }, { timeout: 1 }).then((answer) => answer.sum);
  const bare = useAction(client, "randomNumber").call();
  // @ts-expect-error: parameters have names
  sum.call(5);
  return [total, called, bare, useConnection(client).value === "connected"];
}

/** A client that knows its actions, whose types are an interface. */
export function WithInterface() {
  const client: StellarClient<Actions> = createClient<Actions>();
  const { answer, error, pending, call } = useAction(client, "sum");
  const total: number | undefined = answer.value?.sum;
  const called: Promise<number> = call({ a: 1, b: 2 }).then(({ sum }) => sum);
  const { randomNumber }: { randomNumber?: number } = useAction(client, "randomNumber").answer.value ?? {};
  useAction(client, "randomNumber").call();
  useAction(client, "greet").call({ name: "Ann" }, { timeout: 5 });
  useAction(client, "greet").call(null);
  // @ts-expect-error: b is missing
  call({ a: 1 });
  // @ts-expect-error: a number is needed
  call({ a: "1", b: 2 });
  // @ts-expect-error: parameters are needed
  call();
  // @ts-expect-error: there is no such action
  useAction(client, "product");
  // @ts-expect-error: there is no such field
  answer.value?.product;
  const { messages, joined, say } = useRoom(client, "lobby");
  say({ text: "hello" });
  useStellarEvent(client, "moved", (data) => data, "lobby");
  useStellarEvent(client, "connected", (details) => details?.id);
  // @ts-expect-error: there is no such event
  useStellarEvent(client, "conected", () => {});
  const declared = createClient<Actions, { moved: { x: number } }>();
  useStellarEvent(declared, "moved", ({ x }, { room }) => [x, room]);
  useRoom(declared, "lobby");
  // @ts-expect-error: there is no such event
  useStellarEvent(declared, "mooved", () => {});
  return [total, called, randomNumber, error.value?.code, pending, messages, joined, useConnection(client)];
}

/** The same, as a type alias. */
export function WithType() {
  const { answer, call } = useAction(createClient<Declared>(), "sum");
  const total: number | undefined = answer.value?.sum;
  // @ts-expect-error: b is missing
  call({ a: 1 });
  // @ts-expect-error: there is no such action
  useAction(createClient<Declared>(), "product");
  return total;
}

/** The same, as a server prints it. */
export function WithGenerated() {
  const client = createClient<Generated>();
  const { answer, call } = useAction(client, "sum");
  const total: number | undefined = answer.value?.sum;
  call({ a: 1, b: 2 });
  useAction(client, "randomNumber").call();
  useAction(client, "randomNumber").call({}, { timeout: 5 });
  // @ts-expect-error: b is missing
  call({ a: 1 });
  // @ts-expect-error: nothing is declared
  useAction(client, "randomNumber").call({ most: 5 });
  return total;
}
