/** What some actions take and give, as an application would write it. */
export interface Actions {
  sum: { params: { a: number; b: number }; result: { sum: number } };
  randomNumber: { params: {}; result: { randomNumber: number } };
  greet: { params: { name?: string } | null; result: { greeting: string } };
}

/** The same as a type alias, which TypeScript treats in another way than an interface. */
export type Declared = {
  sum: { params: { a: number; b: number }; result: { sum: number } };
  randomNumber: { params: {}; result: { randomNumber: number } };
};

/** The same as a server prints it at `/stellar-client.d.ts`. */
export interface Generated {
  /** Adds two numbers */
  "sum": {
    params: {
      "a": number;
      "b": number;
    };
    result: {
      "sum": number;
    };
  };
  "randomNumber": {
    params: Record<string, never>;
    result: {
      "randomNumber": number;
    };
  };
}
