import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedQueue } from "../src/queue";

const all = <T>(queue: BoundedQueue<T>) => {
  const items: T[] = [];
  queue._drain((item) => items.push(item) > 0);
  return items;
};

test("items come out in the order they went in", () => {
  const queue = new BoundedQueue<number>(10);
  for (const n of [1, 2, 3]) queue.push(n);
  assert.equal(queue.length, 3);
  assert.deepEqual(all(queue), [1, 2, 3]);
  assert.equal(queue.length, 0);
});

test("a full queue drops its oldest item and says which", () => {
  const queue = new BoundedQueue<number>(2);
  assert.equal(queue.push(1), undefined);
  assert.equal(queue.push(2), undefined);
  assert.equal(queue.push(3), 1);
  assert.deepEqual(all(queue), [2, 3]);
});

test("what is not taken stays in its place, before what came meanwhile", () => {
  const queue = new BoundedQueue<number>(10);
  for (const n of [1, 2, 3, 4]) queue.push(n);
  queue._drain((n) => {
    if (n === 1) queue.push(5);
    return n % 2 === 1;
  });
  assert.deepEqual(all(queue), [2, 4, 5]);
});

test("one item can be removed", () => {
  const queue = new BoundedQueue<number>(10);
  for (const n of [1, 2, 3]) queue.push(n);
  queue._remove(2);
  queue._remove(9);
  assert.deepEqual(all(queue), [1, 3]);
});
