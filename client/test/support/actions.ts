import type { Connection } from "./connection";

/** The outcome of an action: its fields, or an error with them. */
export type Outcome = Record<string, unknown>;

/** One action of the test server. */
export interface Action {
  description: string;
  inputs: Record<string, { required: boolean; type?: string }>;
  /** A connection is there when it came by one. */
  run(
    params: Record<string, any>,
    via: "websocket" | "web",
    connection?: Connection,
  ): Outcome | Promise<Outcome>;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** The actions that tests and the demo page call. */
export const actions: Record<string, Action> = {
  randomNumber: {
    description: "Gives a random number",
    inputs: {},
    run: () => ({ randomNumber: Math.random() }),
  },
  echo: {
    description: "Gives back what it gets",
    inputs: {},
    run: ({ action: _, ...params }) => params,
  },
  sum: {
    description: "Adds two numbers",
    inputs: { a: { required: true, type: "number" }, b: { required: true, type: "number" } },
    run: ({ a, b }) => ({ sum: Number(a) + Number(b) }),
  },
  sleep: {
    description: "Answers after so many milliseconds",
    inputs: { ms: { required: true, type: "number" } },
    run: async ({ ms }) => {
      await sleep(Number(ms));
      return { slept: Number(ms) };
    },
  },
  actions: {
    description: "Lists the actions",
    inputs: {},
    run: () => ({
      actions: Object.entries(actions).map(([name, { description, inputs }]) => ({
        name,
        description,
        inputs,
      })),
    }),
  },
  via: {
    description: "Tells how it was called",
    inputs: {},
    run: (_, via) => ({ via }),
  },
  status: {
    description: "Has a field that verbs use for their outcome",
    inputs: {},
    run: () => ({ status: "running" }),
  },
  fail: {
    description: "Fails with an error of its own",
    inputs: {},
    run: ({ error }) => ({ partial: true, error: error ?? { code: "teapot", message: "Short and stout" } }),
  },
};

/** Runs an action by the rules of the protocol: unknown names, missing inputs, faults. */
export async function runAction(
  params: Record<string, any>,
  via: "websocket" | "web",
  known: Record<string, Action> = actions,
  connection?: Connection,
): Promise<Outcome> {
  const name = String(params.action ?? "");
  const action = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!action) {
    return { error: { code: "004", message: `Unknown action (${name}) or invalid apiVersion` } };
  }
  const missing = Object.keys(action.inputs).filter(
    (input) => action.inputs[input]!.required && params[input] == null,
  );
  if (missing.length) {
    return {
      error: Object.fromEntries(missing.map((field) => [field, `The ${field} field is required.`])),
    };
  }
  try {
    return await action.run(params, via, connection);
  } catch {
    return { error: { code: "001", message: "The server experienced an internal error" } };
  }
}
