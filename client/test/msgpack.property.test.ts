import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../src/codec/msgpack";

// An independent codec, the one that Primus uses, to compare with.
const other = createRequire(import.meta.url)("primus-msgpack");

// The same values each time. `SEED=1 RUNS=1000000 npm test` tries others.
const runs = { seed: Number(process.env.SEED ?? 7), numRuns: Number(process.env.RUNS ?? 2000) };
/** Numbers that come back: JSON has neither NaN nor minus zero. */
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
);
const bytes = fc.uint8Array({ maxLength: 300 });
const key = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("__proto__", "toString", "length", ""));

/** Values without what has no equal in JSON. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false),
    number,
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string({ unit: "grapheme", maxLength: 300 }),
    bytes,
    fc.array(tie("value"), { maxLength: 40 }),
    fc.dictionary(key, tie("value"), { maxKeys: 40 }),
  ),
}));

/** What a value comes back as: integers that are safe are numbers, and objects have a prototype. */
function back(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(back);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, back(item)]));
}

/** Decodes bytes, or throws what the reader of a payload expects. */
function read(payload: Uint8Array): unknown {
  try {
    return decode(payload);
  } catch (error) {
    assert.ok(error instanceof RangeError, `${error}`);
    return undefined;
  }
}

/** How many values there are in one. */
function size(value: unknown): number {
  if (value instanceof Uint8Array || value instanceof Date) return 1;
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, item) => sum + size(item), 1);
}

/** Bytes that are nearly a payload: one that was changed, cut, or put behind another. */
const broken = fc
  .tuple(value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(), fc.boolean())
  .map(([value, changes, end, cuts]) => {
    const payload = encode(value).slice();
    for (const [at, byte] of changes) payload[at % payload.length] = byte;
    return cuts ? payload.subarray(0, end % (payload.length + 1)) : payload;
  });

/** Beginnings of lists, maps and bytes of any length, and what follows. */
const announced = fc
  .tuple(
    fc.array(fc.constantFrom(0x91, 0x81, 0xdc, 0xdd, 0xde, 0xdf, 0xc6, 0xc9, 0xdb, 0xd8, 0xc0), { maxLength: 2000 }),
    fc.uint8Array({ maxLength: 64 }),
  )
  .map(([tags, rest]) => Uint8Array.from([...tags, ...rest]));

/** Keys that are no text, of which one cannot become any. */
const keys = [{ toString: null, valueOf: null }, [1], 5, null, new Uint8Array(3), 2n ** 60n].map(encode);

test("msgpack: any value comes back", () => {
  fc.assert(
    fc.property(value, (value) => {
      const payload = encode(value);
      assert.deepEqual(decode(payload), back(value));
      // As a part of a larger buffer, too.
      const padded = new Uint8Array(payload.length + 7);
      padded.set(payload, 5);
      assert.deepEqual(decode(padded.subarray(5, 5 + payload.length)), back(value));
    }),
    runs,
  );
});

test("msgpack: any value of JSON is read alike by another codec", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const plain = JSON.parse(JSON.stringify(value));
      // The other one loses this key.
      fc.pre(!JSON.stringify(plain).includes('"__proto__"'));
      assert.deepEqual(decode(encode(value)), plain);
      assert.deepEqual(other.decode(Buffer.from(encode(value))), plain);
      assert.deepEqual(decode(new Uint8Array(other.encode(plain))), plain);
    }),
    runs,
  );
});

for (const [name, payloads] of Object.entries({ "any bytes": fc.uint8Array({ maxLength: 2000 }), broken, announced })) {
  test(`msgpack: ${name} are read or refused, and make nothing larger than they are`, () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        const found = read(payload);
        // Each value takes a byte at least.
        assert.ok(found === undefined || size(found) <= payload.length);
        // What was read can be written, but for the depth.
        try {
          read(encode(found));
        } catch (error) {
          assert.ok(error instanceof RangeError, `${error}`);
        }
      }),
      { ...runs, examples: keys.map((key): [Uint8Array] => [Uint8Array.of(0x81, ...key, 0xc0)]) },
    );
  });
}
