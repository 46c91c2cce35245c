// Not run: the build compiles it against the declarations, as a user of the package would.
import {
  createClient,
  StellarClient,
  StellarError,
  type AnyActions,
  type AnyEvents,
  type ChatMessage,
  type Client,
  type Details,
} from "stellar-client";
import { StellarClient as MsgpackClient } from "stellar-client/msgpack";

/** Uses every method in each of its forms. */
export async function usage(): Promise<unknown[]> {
  const client = new StellarClient({ url: "http://localhost", reconnect: { min: 1 } });
  client.on("say", ({ room, message }: ChatMessage) => [room, message]);
  client.on("state", (state, previous) => state === previous);
  client.on("message", (message) => message.context).once("connected", (details) => details?.id);
  client.on("[room].moved", (data, message) => [data, message]);
  // @ts-expect-error: there is no such event
  client.on("conected", () => {});
  // @ts-expect-error: there is no such event
  client.once("conected", () => {}).off("connected");
  // @ts-expect-error: there is no such event
  client.addListener("conected", () => {});
  // @ts-expect-error: there is no such event
  client.off("conected");
  client.connect((error, details) => [error?.code, details?.rooms]);
  const connected = await client.connect();
  const details: Details = connected.data;
  const id: string = connected.id;
  const { members } = await client.roomView("room");
  client.roomView("room", (answer, error) => [answer.membersCount, error?.code]);
  client.action("name", { a: 1 }, (answer) => answer.sum);
  client.action("name", (answer) => answer.sum);
  client.action("name", { a: 1 }, { timeout: 1 });
  const bytes: Uint8Array = (await client.file("path", { as: "bytes" })).content;
  const blob: Blob = (await client.file("path", { as: "blob", timeout: 1 })).content;
  const text: string = (await client.file("path")).content;
  client.file("path", (answer, error) => [answer.content, error?.code]);
  client.say("room", { a: 1 }, (error) => error?.mayHaveRun, { timeout: 1 });
  client.say("to the default room");
  client.roomAdd("room", { signal: new AbortController().signal });
  client.join("room", (error) => error?.code);
  const leave: () => void = client.subscribe("room", ({ room, joined, error }) => [room, joined, error?.code]);
  client.on("membership", ({ joined }) => joined && leave());
  const rooms: string[] = [...client.rooms, ...client.wanted];
  client.to("room").to(["other"]).emit("event", { a: 1 });
  client.from(["room"]).on("event", (data, message) => [data, message]);
  client.for("room").from("other").on("event", (data) => data).off("event");
  client.send({ event: "roomView", room: "room" }, (answer, error) => [answer.data, error?.code]);
  client.on("reconnect", (details) => details?.data.id).removeListener("reconnect");
  client.interceptors.push((params, next) => next((answer) => [params, answer]));
  client.interceptors.push(async (params, next, reject) => (params.a ? next() : reject("no")));
  client.disconnect((error) => error instanceof StellarError);
  return [details, id, members, bytes, blob, text, rooms, new MsgpackClient("ws://localhost")];
}

/** What an application says in its rooms. */
interface Events {
  moved: { x: number; y: number };
}

/** Options, and the events of rooms. */
export function options(): unknown[] {
  const url = "http://localhost";
  const token = (): string => "secret";
  const client = createClient<AnyActions, Events>({
    url,
    transports: ["ws", "socket.io"],
    query: async () => ({ token: token(), version: 2, beta: true, none: undefined }),
    WebSocket: Promise.resolve(class {}),
  });
  client.on("moved", ({ x, y }, { from, room }) => [x, y, from, room]);
  client.on("connected", (details) => details?.id);
  const handed: StellarClient<AnyActions, Events> = client;
  const plain: Pick<Client, "say" | "action"> = client;
  // @ts-expect-error: it has no such field
  client.on("moved", ({ z }) => z);
  // @ts-expect-error: there is no such event
  client.on("mooved", () => {});
  const any = createClient<AnyActions, AnyEvents>(url);
  any.on("whatever", (data, message) => [data.x, message.room]);
  // @ts-expect-error: a server's name of an engine is not the client's
  createClient({ url, transports: ["websocket"] });
  // @ts-expect-error: there is no such engine
  createClient({ url, transports: ["polling"] });
  // @ts-expect-error: there is no such option
  createClient({ url, reconect: false });
  // @ts-expect-error: there is no such option
  createClient({ url, reconnect: { retrys: 1 } });
  // @ts-expect-error: a parameter is a text
  createClient({ url, query: { token: {} } });
  // @ts-expect-error: what gives the query gives parameters
  createClient({ url, query: () => "token" });
  return [handed, plain, any];
}

/** As a server prints them. */
export interface StellarActions {
  sum: { params: { a: number; b: number }; result: { sum: number } };
  randomNumber: { params: {}; result: { randomNumber: number } };
  greet: { params: { name?: string } | null; result: { greeting: string } };
}

/** Actions whose types are known are checked. */
export async function typed(): Promise<unknown[]> {
  const client: StellarClient<StellarActions> = createClient<StellarActions>();
  const { sum } = await client.action("sum", { a: 1, b: 2 });
  const exact: number = sum;
  const { randomNumber } = await client.action("randomNumber");
  client.action("sum", { a: 1, b: 2 }, (answer, error) => [answer.sum.toFixed(), error?.code]);
  client.action("randomNumber", ({ randomNumber }) => randomNumber.toFixed());
  client.action("randomNumber", { timeout: 5, volatile: true });
  client.action("greet", { name: "Ann" }, { timeout: 5, noReply: true });
  client.action("greet", null);
  // @ts-expect-error: b is missing
  client.action("sum", { a: 1 });
  // @ts-expect-error: a number is needed
  client.action("sum", { a: "1", b: 2 });
  // @ts-expect-error: parameters are needed
  client.action("sum");
  // @ts-expect-error: there is no such action
  client.action("product", { a: 1, b: 2 });
  // @ts-expect-error: there is no such field
  (await client.action("sum", { a: 1, b: 2 })).product;
  return [exact, randomNumber];
}
