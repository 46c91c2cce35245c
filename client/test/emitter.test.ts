import assert from "node:assert/strict";
import { test } from "node:test";
import { Emitter } from "../src/emitter";

test("listeners get every event, or one, or none any more", () => {
  const emitter = new Emitter<any>();
  const heard: unknown[] = [];
  const listener = (...args: unknown[]) => heard.push(["on", ...args]);
  emitter.on("a", listener).once("a", (...args) => heard.push(["once", ...args]));
  emitter._emit("a", 1, 2);
  emitter._emit("a", 3);
  emitter.off("a", listener);
  emitter._emit("a", 4);
  emitter._emit("b");
  assert.deepEqual(heard, [
    ["on", 1, 2],
    ["once", 1, 2],
    ["on", 3],
  ]);
});

test("all listeners of an event, or all there are, can go", () => {
  const emitter = new Emitter<any>();
  let heard = 0;
  for (const name of ["a", "b", "c"]) emitter.on(name, () => heard++);
  emitter.off("a");
  for (const name of ["a", "b", "c"]) emitter._emit(name);
  assert.equal(heard, 2);
  emitter.off();
  for (const name of ["a", "b", "c"]) emitter._emit(name);
  assert.equal(heard, 2);
});

test("a listener added or removed during an event does not change who hears it", () => {
  const emitter = new Emitter<any>();
  const heard: string[] = [];
  const second = () => heard.push("second");
  emitter.on("a", () => {
    heard.push("first");
    emitter.off("a", second);
    emitter.on("a", () => heard.push("third"));
  });
  emitter.on("a", second);
  emitter._emit("a");
  assert.deepEqual(heard, ["first", "second"]);
});

test("a listener that throws stops nobody, and its error is thrown on its own turn", (t) => {
  const emitter = new Emitter<any>();
  const later = t.mock.method(globalThis, "setTimeout", () => 0);
  let heard = false;
  emitter.on("a", () => {
    throw new Error("mine");
  });
  emitter.on("a", () => (heard = true));
  emitter._emit("a");
  assert.ok(heard);
  assert.throws(later.mock.calls[0]!.arguments[0] as () => void, /mine/);
});

test("an error without listeners is no fault", () => {
  new Emitter<any>()._emit("error", new Error("nobody listens"));
});
