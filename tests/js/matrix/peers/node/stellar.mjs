// Stellar's layer for a server in Node: that of the client's own tests, with the actions that the
// behaviours call. They do what those of examples/compat do.
import { buildSync } from "esbuild";
import { root } from "../../../support/server.mjs";

// It is written in TypeScript.
const { outputFiles } = buildSync({
  stdin: {
    contents: 'export * from "./connection"; export * from "./rooms";',
    resolveDir: `${root}/client/test/support`,
  },
  bundle: true,
  platform: "node",
  format: "esm",
  write: false,
});
const script = Buffer.from(outputFiles[0].contents).toString("base64");
const { Connection, Rooms } = await import(`data:text/javascript;base64,${script}`);

const number = { required: true, type: "number" };
const action = (run, inputs = {}) => ({ description: "", inputs, run });
const failure = (code, message) => ({ error: { code, message } });

async function sleep({ sleepDuration = 1000 }) {
  const sleepStarted = Date.now();
  await new Promise((resolve) => setTimeout(resolve, sleepDuration));
  return { sleepStarted, sleepEnded: Date.now(), sleepDuration };
}

/** What is behind a server's connections: each spark that it is told of gets Stellar's layer. */
export class Stellar {
  rooms = new Rooms();
  connections = new Set();
  simultaneousActions = 5;
  mute = new Set();
  // Nobody looks at what came.
  received = { push() {} };
  actions = {
    randomNumber: action(() => ({ number: Math.random() })),
    status: action(() => ({ connections: this.connections.size })),
    echo: action(({ payload }) => ({ payload })),
    formattedSum: action(({ a, b }) => ({ formatted: `${a} + ${b} = ${a + b}` }), {
      a: number,
      b: number,
    }),
    sumANumber: action(() => failure("002", "The action 'sumANumber' is private")),
    versionedAction: action(({ apiVersion = 2 }) => ({ version: apiVersion })),
    sleep: action(sleep),
    end: action(({ reconnect = false }, _, { spark }) => {
      spark.end(undefined, { reconnect });
      return {};
    }),
  };

  constructor(publicFolder) {
    this.publicFolder = publicFolder;
    this.rooms.create("defaultRoom");
  }

  welcome(spark) {
    const connection = new Connection(spark, this);
    this.connections.add(connection);
    spark.on("end", () => this.connections.delete(connection));
  }
}
