import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../src/backoff";

const primus = { min: 500, max: Infinity, factor: 2, retries: null };

test("the first attempts of many clients are spread over the least delay", () => {
  const first = (random: number) => backoff(1, primus, () => random);
  assert.deepEqual([0, 0.0001, 0.5, 0.998].map(first), [1, 1, 250, 499]);
  const delays = Array.from({ length: 1_000 }, () => backoff(1, primus));
  assert.ok(delays.every((delay) => delay >= 1 && delay <= 500));
  const early = delays.filter((delay) => delay < 250).length;
  assert.ok(early > 350 && early < 650, `${early} of 1,000 come in the first half`);
});

test("the delays grow by the factor, spread by up to twice", () => {
  for (let attempt = 2; attempt < 12; attempt++) {
    const low = 500 * 2 ** (attempt - 1);
    assert.equal(
      backoff(attempt, primus, () => 0),
      low,
    );
    assert.equal(
      backoff(attempt, primus, () => 0.5),
      low * 1.5,
    );
    const delay = backoff(attempt, primus);
    assert.ok(delay >= low && delay <= 2 * low, `${delay} for attempt ${attempt}`);
  }
});

test("the delays are whole numbers", () => {
  assert.equal(
    backoff(2, { ...primus, min: 333, factor: 1.5 }, () => 0.1),
    Math.round(1.1 * 333 * 1.5),
  );
});

test("no delay is longer than the longest", () => {
  assert.equal(backoff(30, { ...primus, max: 30_000 }), 30_000);
  assert.equal(
    backoff(1, { ...primus, max: 100 }, () => 0.9),
    100,
  );
});
