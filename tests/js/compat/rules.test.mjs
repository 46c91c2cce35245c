// Every rule of an input, with a value that is fine and with one that is not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Compat } from "../support/compat.mjs";
import { parsers } from "../support/primus.mjs";

const is = (sentence) => `The value ${sentence}.`;
const required = is("field is required");
const invalid = "The selected value is invalid.";

/** By the validator's name: parameters that are fine, those that are not, and what is said then. */
const validators = {
  after: [{ value: "2026-01-02" }, { value: "2026-01-01" }, is("must be a date after 2026-01-01")],
  alpha: [{ value: "abc" }, { value: "a1" }, is("must only contain letters")],
  "alpha-dash": [
    { value: "a-1_b" },
    { value: "a b" },
    is("may only contain letters, numbers, and dashes"),
  ],
  "alpha-num": [{ value: "a1" }, { value: "a-1" }, is("may only contain letters and numbers")],
  array: [{ value: [1] }, { value: "[1]" }, is("must be an array")],
  before: [{ value: "2025-12-31" }, { value: "2026-01-01" }, is("must be a date before 2026-01-01")],
  between: [{ value: "abcd" }, { value: "ab" }, is("must be between 3 and 5 characters")],
  boolean: [{ value: false }, { value: "false" }, is("field must be true or false")],
  confirmed: [
    { value: "a", value_confirmation: "a" },
    { value: "a", value_confirmation: "b" },
    is("confirmation does not match"),
  ],
  date: [{ value: "2026-01-31" }, { value: "2026-02-30" }, is("is not a valid date")],
  different: [{ value: 1, other: 2 }, { value: 1, other: 1 }, is("and other must be different")],
  email: [{ value: "a@example.com" }, { value: "a@b" }, is("must be a valid email address")],
  filled: [{ value: "x" }, { value: "" }, required],
  in: [{ value: "one" }, { value: "three" }, invalid],
  integer: [{ value: 12 }, { value: 1.5 }, is("must be an integer")],
  ip: [{ value: "::1" }, { value: "256.0.0.1" }, is("must be a valid IP address")],
  json: [{ value: '{"a":1}' }, { value: "{" }, is("must be a valid JSON string")],
  max: [{ value: "abcde" }, { value: "abcdef" }, is("may not be greater than 5 characters")],
  min: [{ value: "abc" }, { value: "ab" }, is("must be at least 3 characters")],
  "not-in": [{ value: "three" }, { value: "two" }, invalid],
  numeric: [{ value: 1.5 }, { value: "1.5" }, is("must be a number")],
  regex: [{ value: "abc" }, { value: "abd" }, is("format is invalid")],
  required: [{ value: 0 }, {}, required],
  "required-if": [{ other: "three" }, { other: "one" }, is("field is required when other is in one, two")],
  "required-unless": [
    { other: "one" },
    { other: "three" },
    is("field is required unless other is in one, two"),
  ],
  "required-with": [
    {},
    { other: 1 },
    is("field is required when at least one of other is present"),
  ],
  "required-with-all": [
    { other: 1 },
    { other: 1, another: 1 },
    is("field is required when other, another are present"),
  ],
  "required-without": [
    { other: 1 },
    {},
    is("field is required when at least one of other is not present"),
  ],
  "required-without-all": [
    { another: 1 },
    {},
    is("field is required when none of other, another are present"),
  ],
  same: [{ value: 1, other: 1 }, { value: 1, other: 2 }, is("and other must match")],
  size: [{ value: "abc" }, { value: "ab" }, is("must be 3 characters")],
  url: [{ value: "https://example.com" }, { value: "example.com" }, is("format is invalid")],
  test: [{ value: "http://localhost:8080" }, { value: "/path" }, is("format is invalid")],
};

/** What the actions make of a value that they take. */
function taken(value) {
  if (value === undefined) return { string: "Input > undefined", value: null };
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { string: `Input > ${text}`, value };
}

for (const parser of parsers) {
  test(`${parser}: every validator`, async (t) => {
    const it = await Compat.start(t, { parser });
    for (const [name, [fine, wrong, sentence]] of Object.entries(validators)) {
      const action = `input-validator-predef-${name}`;
      await it.both(action, fine, taken(fine.value));
      await it.both(action, wrong, { error: { value: sentence } });
    }
    await it.both("input-numeric-size", { value: 4 }, taken(4));
    await it.both("input-numeric-size", { value: 6 }, {
      error: { value: is("must be between 3 and 5") },
    });
    await it.both("input-array-size", { value: [1, 2] }, taken([1, 2]));
    await it.both("input-array-size", { value: [1] }, {
      error: { value: is("must contain 2 items") },
    });
  });

  test(`${parser}: every format`, async (t) => {
    const it = await Compat.start(t, { parser });
    const formats = {
      integer: ["integer", "12", 12, "x"],
      float: ["float", "1.5", 1.5, "x"],
      string: ["string", 1.5, "1.5", {}],
      bool: ["bool", "on", true, "maybe"],
      function: ["upper case", "abc", "ABC", 1],
    };
    for (const [name, [expected, from, to, wrong]] of Object.entries(formats)) {
      const action = `input-format-${name}`;
      await it.both(action, { value: from }, taken(to));
      const message = `Param 'value' has an invalid type, expected ${expected}`;
      await it.both(action, { value: wrong }, { error: { value: { code: "003", message } } });
      await it.both(action, {}, { error: { value: required } });
    }
  });

  test(`${parser}: what is required, has a default, or is judged by a function`, async (t) => {
    const it = await Compat.start(t, { parser });
    await it.both("input-require", { value: "x" }, taken("x"));
    await it.both("input-require", {}, { error: { value: required } });
    await it.both("input-default", {}, taken("DefaultVal"));
    await it.both("input-default", { value: "own" }, taken("own"));
    await it.both("input-default-function", {}, taken(156));
    await it.both("input-default-function", { value: 1 }, taken(1));
    await it.both("input-validator-regex", { value: "123" }, taken("123"));
    await it.both("input-validator-regex", { value: "12" }, {
      error: { value: is("format is invalid") },
    });
    await it.both("input-validator-function", { value: "asd" }, taken("asd"));
    await it.both("input-validator-function", { value: "other" }, {
      error: { value: "Input validation failed!" },
    });
    const several = "input-validator-multiple";
    await it.both(several, { name: "abc", phone: 123, someField: "x" }, { success: true });
    await it.both(several, { name: "a1", phone: "123" }, {
      error: {
        name: "The name must only contain letters.",
        phone: "The phone must be a number.",
        someField: "The someField field is required when phone is in 123.",
      },
    });
    const mixed = "input-function-with-default";
    const { params } = await it.call(mixed, { requiredParam: 1 });
    const { action, ...rest } = params;
    assert.deepEqual(action, mixed);
    assert.deepEqual(rest, { requiredParam: 1, fancyParam: "test123" });
    await it.both(mixed, { fancyParam: "other" }, {
      error: {
        requiredParam: "The requiredParam field is required.",
        fancyParam: "fancyParam should be 'test123'",
      },
    });
  });
}
