import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { json } from "../src/codec/json";
import { decode, encode, msgpack } from "../src/codec/msgpack";

// An independent codec, the one that Primus uses, to compare with.
const other = createRequire(import.meta.url)("primus-msgpack");

const samples: Record<string, unknown> = {
  null: null,
  booleans: [true, false],
  integers: [0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 2 ** 53 - 1],
  negatives: [-1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, -(2 ** 53) + 1],
  floats: [0.5, -1.25, 1e300, Number.MIN_VALUE],
  strings: ["", "a", "é", "星", "🚀", "x".repeat(31), "x".repeat(32), "x".repeat(256), "x".repeat(70000)],
  arrays: [[], [1], Array(15).fill(0), Array(16).fill(0), Array(70000).fill(1)],
  objects: { a: { b: { c: [1, { d: null }] } }, "": 0 },
  wide: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`key${n}`, n])),
  wider: Object.fromEntries(Array.from({ length: 70000 }, (_, n) => [`key${n}`, n])),
  message: { event: "say", room: "defaultRoom", message: { text: "hello", at: 1790000000000 } },
};

for (const [name, value] of Object.entries(samples)) {
  test(`msgpack: ${name} come back as they were`, () => {
    assert.deepEqual(decode(encode(value)), value);
  });
  test(`msgpack: ${name} are understood by another codec, and its by this`, () => {
    assert.deepEqual(other.decode(Buffer.from(encode(value))), value);
    assert.deepEqual(decode(new Uint8Array(other.encode(value))), value);
  });
}

test("msgpack: what is not a number is null, as in JSON, where minus zero is zero", () => {
  assert.deepEqual(decode(encode([-0, NaN, -Infinity])), JSON.parse(JSON.stringify([-0, NaN, -Infinity])));
  assert.ok(Number.isNaN(decode(Uint8Array.of(0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0))));
});

/** What JSON has rules for. */
const odd: Record<string, unknown> = {
  "what JSON leaves out": { a: undefined, b: () => 0, c: Symbol("c"), d: [undefined, () => 0, Symbol("d")] },
  dates: { at: new Date(0), list: [new Date(1)], none: new Date(NaN) },
  "an object that says what it is": { toJSON: (key: string) => ({ key }) },
  "what says what it is by its place": [{ toJSON: (key: string) => key }, { a: { toJSON: (key: string) => key } }],
  "what says that it is nothing": { a: { toJSON: () => undefined }, b: [{ toJSON: () => undefined }] },
  "a function that says what it is": { a: Object.assign(() => 0, { toJSON: () => "told" }) },
  "objects of primitive values": [new Number(5), new String("text"), new Boolean(false), Object(Symbol("s"))],
  "arrays with holes": [, 1, , 2, ,],
  "an array with other fields": Object.assign([1, 2], { more: 3 }),
  collections: [new Map([[1, 2]]), new Set([1]), new WeakMap(), /regex/],
  "a blob": new Blob(["text"]),
  "an error": new Error("text"),
  "a class": new (class {
    own = 1;
    get inherited() {
      return 2;
    }
  })(),
  "no prototype": Object.assign(Object.create(null), { a: 1 }),
  "hidden fields": Object.defineProperty({ a: 1 }, "b", { value: 2 }),
  "fields that are symbols": { a: 1, [Symbol("b")]: 2 },
  proxies: [new Proxy({ a: 1 }, {}), new Proxy([1, 2], {})],
  "a key of the language": JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}'),
  nothing: undefined,
};

for (const [name, value] of Object.entries(odd)) {
  test(`msgpack: ${name}: as JSON`, () => {
    const text = JSON.stringify(value);
    assert.deepEqual(decode(encode(value)), text === undefined ? null : JSON.parse(text));
  });
}

test("halves of surrogate pairs are no characters, and become what they are in UTF-8", () => {
  const value = { "\ud83d": ["a\ude00b", "\ud83d\ude00", "\\ud83d", "\\\ud83d"] };
  const right = { "\ufffd": ["a\ufffdb", "\ud83d\ude00", "\\ud83d", "\\\ufffd"] };
  for (const codec of [json, msgpack]) assert.deepEqual(codec.decode(codec.encode(value)), right);
});

test("what throws while it is read is thrown by either codec", () => {
  const reason = new Error("Not for you");
  const fail = () => {
    throw reason;
  };
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const keys = new Proxy({}, { ownKeys: fail });
  for (const { encode } of [json, msgpack]) {
    assert.throws(() => encode({ toJSON: fail }), reason);
    assert.throws(() => encode({ a: { get b() { return fail(); } } }), reason);
    assert.throws(() => encode([keys]), reason);
    assert.throws(() => encode([proxy]), TypeError);
  }
});

test("msgpack: as deep as the server reads, and no deeper", () => {
  const deep = (levels: number): unknown => (levels ? [deep(levels - 1)] : 1);
  assert.deepEqual(decode(encode(deep(120))), deep(120));
  assert.throws(() => encode(deep(121)), /deep/);
  assert.throws(() => encode(new Array(2 ** 32 - 1)), /long/);
});

test("msgpack: integers beyond 53 bits are bigints", () => {
  for (const n of [2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n), 2n ** 53n]) {
    assert.equal(decode(encode(n)), n);
  }
  assert.throws(() => encode(2n ** 64n), RangeError);
});

test("msgpack: bytes are bytes", () => {
  for (const size of [0, 1, 255, 256, 65536]) {
    const bytes = new Uint8Array(size).fill(7);
    assert.deepEqual(decode(encode(bytes)), bytes);
  }
  assert.deepEqual(decode(encode(new Uint8Array([1, 2]).buffer)), new Uint8Array([1, 2]));
});

test("msgpack: it follows JSON where JSON has a rule", () => {
  const date = new Date(1790000000000);
  assert.deepEqual(decode(encode({ a: undefined, b: () => 0, c: date, d: [undefined] })), {
    c: date.toISOString(),
    d: [null],
  });
});

test("msgpack: timestamps of other encoders become dates", () => {
  assert.deepEqual(decode(Uint8Array.of(0xd6, 0xff, 0, 0, 0, 1)), new Date(1000));
  const nanos = Uint8Array.of(0xd7, 0xff, 0x77, 0x35, 0x94, 0x00, 0, 0, 0, 2);
  assert.deepEqual(decode(nanos), new Date(2500));
  const long = new Uint8Array(15);
  long.set([0xc7, 12, 0xff]);
  new DataView(long.buffer).setBigInt64(7, -3n);
  assert.deepEqual(decode(long), new Date(-3000));
});

test("msgpack: a key cannot set the prototype", () => {
  const hostile = Uint8Array.of(0x81, 0xa9, ...new TextEncoder().encode("__proto__"), 0x81, 0xa1, 0x78, 1);
  const object: any = decode(hostile);
  assert.equal(object.x, undefined);
  assert.deepEqual(Object.keys(object), ["__proto__"]);
});

test("msgpack: what is cut short, goes on, or is no value at all throws", () => {
  const whole = encode(samples.message);
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decode(whole.subarray(0, length)), RangeError, `${length} bytes`);
  }
  assert.throws(() => decode(Uint8Array.of(1, 2)), /goes on/);
  assert.throws(() => decode(Uint8Array.of(0xc1)), /unknown/);
  assert.throws(() => decode(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)), RangeError);
  assert.throws(() => decode(new Uint8Array(10_000).fill(0x91)), /nested/);
  assert.throws(() => msgpack.decode("text"), TypeError);
});

test("a circle cannot be encoded, by either codec", () => {
  const circle: any = {};
  circle.self = circle;
  assert.throws(() => encode(circle), /circle/);
  assert.throws(() => json.encode(circle), /circular/);
});
