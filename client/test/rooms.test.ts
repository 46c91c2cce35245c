// The model of a client's rooms by itself: what is wanted, what is, and what it sends for that.
import assert from "node:assert/strict";
import { test } from "node:test";
import { serverError, StellarError } from "../src/errors";
import { memberships, type Rooms, type Settle } from "../src/rooms";

const refusal = (code: string) => serverError({ code, message: code }, { error: { code } });

/** A model whose messages are looked at and answered by hand. */
class Desk {
  sent: string[] = [];
  told: string[] = [];
  errors: string[] = [];
  rooms: Rooms;
  private due: [
    name: string,
    settle: Settle,
    done: (value: unknown) => void,
    fail: (error: unknown) => void,
  ][] = [];

  constructor(names: string[] = []) {
    this.rooms = memberships(
      {
        _move: (join, room, settle) => this.ask(`${join ? "+" : "-"}${room}`, settle),
        _requestDetails: (settle) => this.ask("?", settle),
        _emit: (name, value: any) =>
          name === "membership"
            ? this.told.push(`${value.joined ? "+" : "-"}${value.room} ${value.error?.code ?? ""}`.trim())
            : this.errors.push(value.code),
      },
      names,
      5000,
    );
  }

  private ask(name: string, settle: Settle): Promise<unknown> {
    this.sent.push(name);
    return new Promise((done, fail) => void this.due.push([name, settle, done, fail]));
  }

  /** What was sent since this was asked for. */
  out = () => this.sent.splice(0).join(" ");
  /** What was told since. */
  news = () => this.told.splice(0).join(", ");

  /** Answers the oldest message of that name: well, with a code, or for `?` with rooms. */
  async answer(name: string, outcome?: string | string[]): Promise<void> {
    const at = this.due.findIndex(([its]) => its === name);
    assert.ok(at >= 0, `${name} was sent`);
    const [[, settle, done, fail]] = this.due.splice(at, 1) as any;
    if (typeof outcome === "string") {
      const error = refusal(outcome);
      settle(error.response, error);
      fail(error);
    } else {
      if (outcome) this.rooms._synchronize(outcome);
      settle({});
      done({});
    }
    await null;
    await null;
  }

  /** No answer comes to a message in time. What is returned gives it late. */
  async timeout(name: string): Promise<() => void> {
    const at = this.due.findIndex(([its]) => its === name);
    const [[, settle, , fail]] = this.due.splice(at, 1) as any;
    fail(new StellarError("timeout", "No answer"));
    await null;
    await null;
    return () => settle({}, undefined, true);
  }

  /** A new connection, whose details list these rooms. */
  async open(rooms: string[] = []): Promise<void> {
    this.due = [];
    void this.rooms._begin();
    await this.answer("?", rooms);
  }

  lose(): void {
    this.due = [];
    this.rooms._lost();
    this.rooms._flush();
  }
}

/** A desk on a connection, whose rooms are joined; the clock stands. */
async function joined(t: any, ...names: string[]): Promise<Desk> {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(Math, "random", () => 0);
  const desk = new Desk(names);
  await desk.open();
  // Each answer lets more go; so as many rounds as there are rooms.
  for (const name of names) await desk.answer(`+${name}`);
  desk.out();
  desk.news();
  return desk;
}

// What a join of its own is refused with, and what becomes of that: the waits in seconds until the
// next attempts, or none.
const refusals: [code: string, waits: number[] | undefined, is?: string][] = [
  ["001", [1, 2, 4, 8, 16, 30, 30]],
  ["006", [1, 2, 4]],
  ["007", [1, 2, 4]],
  ["024", [1, 2, 4, 8]],
  ["025", [1, 2, 4, 8]],
  ["026", [1, 2, 4]],
  ["017", undefined, "+r"],
  ["002", undefined],
  ["014", undefined],
  ["016", undefined],
  ["018", undefined],
  ["019", undefined],
  ["021", undefined],
  ["023", undefined],
  ["900", undefined],
  ["error", undefined],
];
for (const [code, waits, is] of refusals) {
  test(`a join that is refused with ${code} is ${waits ? "tried again" : "settled"}`, async (t) => {
    const desk = await joined(t);
    desk.rooms._hold("r");
    assert.equal(desk.out(), "+r");
    await desk.answer("+r", code);
    if (is) {
      assert.deepEqual([desk.news(), desk.rooms._in(), desk.errors], [is, ["r"], []]);
      return;
    }
    assert.equal(desk.news(), `-r ${code}`);
    for (const wait of waits ?? []) {
      t.mock.timers.tick(wait * 1000 - 1);
      assert.equal(desk.out(), "", `not within ${wait} s`);
      t.mock.timers.tick(1);
      assert.equal(desk.out(), "+r", `after ${wait} s`);
      await desk.answer("+r", code);
    }
    if (waits) {
      t.mock.timers.tick(30_000);
      await desk.answer("+r");
      assert.deepEqual(desk.rooms._in(), ["r"]);
      assert.deepEqual(desk.errors, []);
    } else {
      t.mock.timers.tick(3_600_000);
      assert.equal(desk.out(), "");
      assert.deepEqual([desk.errors, desk.rooms._wanted()], [[code], []]);
      desk.lose();
      await desk.open();
      assert.equal(desk.out(), "?", "nor on the next connection");
    }
  });
}

// Steps from a connection that is in the room r. The application's messages are marked with a star;
// `>` sends one and `x>` one that it gives up, `:` answers it. `lose` and `open` are of the connection.
type Step = [step: string, sends?: string, tells?: string];
const stories: Record<string, { steps: Step[]; in: string[]; wanted: string[] }> = {
  "lost and back": {
    steps: [["lose", "", "-r"], ["open", "? +r"], ["+r", "", "+r"]],
    in: ["r"],
    wanted: ["r"],
  },
  "left, and the connection is lost before the answer": {
    steps: [["> -r"], ["lose", "", "-r"], ["open", "?"]],
    in: [],
    wanted: [],
  },
  "left after the server took it out": {
    steps: [["> -r"], [": 016", "", "-r"], ["lose"], ["open", "?"]],
    in: [],
    wanted: [],
  },
  "left after the server destroyed it": {
    steps: [["destroy", "", "-r 018"], ["> -r"], [": 019"], ["lose"], ["open", "?"]],
    in: [],
    wanted: [],
  },
  "destroyed": {
    steps: [["destroy", "", "-r 018"], ["lose"], ["open", "?"]],
    in: [],
    wanted: [],
  },
  "destroyed while away": {
    steps: [["lose", "", "-r"], ["open", "? +r"], ["+r 019", "", "-r 019"], ["lose"], ["open", "?"]],
    in: [],
    wanted: [],
  },
  "taken out by the server, which says that something changed": {
    steps: [["push", "?"], ["?", "", "-r 016"], ["lose"], ["open", "?"]],
    in: [],
    wanted: [],
  },
  "taken into another by the server, and back there": {
    steps: [
      ["push", "?"],
      ["? r s", "", "+s"],
      ["lose", "", "-r, -s"],
      ["open", "? +r"],
      ["+r", "+s", "+r"],
      ["+s", "", "+s"],
    ],
    in: ["r", "s"],
    wanted: ["r", "s"],
  },
  "taken into another by the server on each connection": {
    steps: [["lose", "", "-r"], ["open s", "? +r", "+s"], ["+r", "", "+r"], ["> +s"], [": 017 forgiven"]],
    in: ["s", "r"],
    wanted: ["r", "s"],
  },
  "something is said in a room that it does not know": {
    steps: [["said s", "?"], ["? r s", "", "+s"]],
    in: ["r", "s"],
    wanted: ["r", "s"],
  },
  "something is said in a room that it has left: asked once": {
    steps: [["said s", "?"], ["? r"], ["said s"], ["said r"]],
    in: ["r"],
    wanted: ["r"],
  },
  "it is told that it is not in its room": {
    steps: [["refused r", "?"], ["?", "", "-r 016"]],
    in: [],
    wanted: [],
  },
  "it is told that it is not in a room that it does not know": {
    steps: [["refused s"]],
    in: ["r"],
    wanted: ["r"],
  },
  "what changes while the server is asked is asked for again": {
    steps: [["push", "?"], ["push"], ["? r s", "?", "+s"], ["? r", "", "-s 016"]],
    in: ["r"],
    wanted: ["r"],
  },
  "left, and the server's rate does not allow it": {
    steps: [["> -r"], [": 025"], ["1 s", "-r"], ["-r 025"], ["2 s", "-r"], ["-r", "", "-r"]],
    in: [],
    wanted: [],
  },
  "joined and left at once, in this order": {
    steps: [["> +s"], ["> -s"], [": ", "", "+s"], [": ", "", "-s"]],
    in: ["r"],
    wanted: ["r"],
  },
  "joined and left at once, and lost between the answers": {
    steps: [["> +s"], ["> -s"], [": ", "", "+s"], ["lose", "", "-r, -s"], ["open", "? +r"], ["+r", "", "+r"]],
    in: ["r"],
    wanted: ["r"],
  },
  "left and joined at once": {
    steps: [["> -r"], ["> +r"], [": ", "", "-r"], [": ", "", "+r"]],
    in: ["r"],
    wanted: ["r"],
  },
  "joined twice": {
    steps: [["> +s"], ["> +s"], [": ", "", "+s"], [": 017"]],
    in: ["r", "s"],
    wanted: ["r", "s"],
  },
  "a join that is given up and comes about is undone": {
    steps: [["x> +s"], [": ", "-s", "+s"], ["-s", "", "-s"]],
    in: ["r"],
    wanted: ["r"],
  },
  "a join that is given up, and asked for again": {
    steps: [["x> +s"], ["> +s"], [": ", "", "+s"], [": 017 forgiven"]],
    in: ["r", "s"],
    wanted: ["r", "s"],
  },
  "a join that is lost with the connection": {
    steps: [["> +s"], ["lose", "", "-r"], ["open", "? +r"], ["+r", "", "+r"]],
    in: ["r"],
    wanted: ["r"],
  },
  "held by a component whose join is lost with the connection": {
    steps: [
      ["hold s", "+s"],
      ["lose", "", "-r"],
      ["open", "? +r"],
      ["+r", "+s", "+r"],
      ["+s", "", "+s"],
    ],
    in: ["r", "s"],
    wanted: ["r", "s"],
  },
  "held by two components, and let go": {
    steps: [["hold s", "+s"], ["+s", "", "+s"], ["hold s"], ["let s"], ["let s", "-s"], ["-s", "", "-s"]],
    in: ["r"],
    wanted: ["r"],
  },
  "let go by one component and held by the next in the same turn": {
    steps: [["hold s", "+s"], ["+s", "", "+s"], ["pass s"]],
    in: ["r", "s"],
    wanted: ["r", "s"],
  },
  "let go before it is joined": {
    steps: [["hold s", "+s"], ["let s"], ["+s", "-s", "+s"], ["-s", "", "-s"]],
    in: ["r"],
    wanted: ["r"],
  },
  "held and joined by the application too: it stays": {
    steps: [["hold r"], ["let r"]],
    in: ["r"],
    wanted: ["r"],
  },
  "held while there is no connection": {
    steps: [["lose", "", "-r"], ["hold s"], ["let r"], ["open", "? +r"], ["+r", "+s", "+r"], ["+s", "", "+s"]],
    in: ["r", "s"],
    wanted: ["r", "s"],
  },
  "left while there is no connection": {
    steps: [["lose", "", "-r"], ["drop r"], ["open", "?"], ["> -r"], [": 016 forgiven"]],
    in: [],
    wanted: [],
  },
  "a full room, perhaps of its own last connection": {
    steps: [["lose", "", "-r"], ["open", "? +r"], ["+r 024", "", "-r 024"], ["1 s", "+r"], ["+r", "", "+r"]],
    in: ["r"],
    wanted: ["r"],
  },
  "joined by the application while it waits to try again": {
    steps: [
      ["hold s", "+s"],
      ["+s 024", "", "-s 024"],
      ["> +s"],
      [": ", "", "+s"],
      ["60 s"],
    ],
    in: ["r", "s"],
    wanted: ["r", "s"],
  },
  "what was refused for good is tried again by who comes later": {
    steps: [["hold s", "+s"], ["+s 900", "", "-s 900"], ["hold s", "+s"], ["+s", "", "+s"]],
    in: ["r", "s"],
    wanted: ["r", "s"],
  },
  "answers of an earlier connection change nothing": {
    steps: [["> +s"], ["lose", "", "-r"], ["open", "? +r"], [": "], ["+r", "", "+r"]],
    in: ["r"],
    wanted: ["r"],
  },
  "the details are refused for the rate": {
    steps: [["lose", "", "-r"], ["open!", "? +r"], ["? 025"], ["+r", "", "+r"], ["1 s", "?"], ["? r"]],
    in: ["r"],
    wanted: ["r"],
  },
};
for (const [name, { steps, in: rooms, wanted }] of Object.entries(stories)) {
  test(name, async (t) => {
    const desk = await joined(t, "r");
    const asked: [settle: Settle, abandoned: boolean][] = [];
    const holds = new Map<string, (() => void)[]>();
    for (const [step, sends = "", tells = ""] of steps) {
      const [word, ...rest] = step.split(" ") as [string, ...string[]];
      const [room = ""] = rest;
      if (word === "lose") desk.lose();
      else if (word === "open") await desk.open(rest);
      else if (word === "open!") void desk.rooms._begin();
      else if (word === ">" || word === "x>") {
        asked.push([desk.rooms._follow(room[0] === "+", room.slice(1)), word === "x>"]);
      } else if (word === ":") {
        const [settle, abandoned] = asked.shift()!;
        const [code] = rest;
        const outcome = code ? settle({}, refusal(code), abandoned) : settle({}, undefined, abandoned);
        assert.equal(!!outcome, step.endsWith("forgiven"), step);
      } else if (word === "destroy") desk.rooms._destroyed("r", refusal("018"));
      else if (word === "push") desk.rooms._hint();
      else if (word === "said") desk.rooms._hint(room, true);
      else if (word === "refused") desk.rooms._hint(room, false);
      else if (word === "drop") desk.rooms._drop(room);
      else if (word === "hold") {
        holds.set(room, [...(holds.get(room) ?? []), desk.rooms._hold(room)]);
      } else if (word === "let" || word === "pass") {
        const release = holds.get(room)?.pop();
        release?.();
        // Once more is nothing.
        release?.();
        if (word === "pass") desk.rooms._hold(room);
        t.mock.timers.tick(1);
      } else if (room === "s") t.mock.timers.tick(Number(word) * 1000);
      else if (word === "?") await desk.answer("?", /^\d/.test(room) ? room : rest);
      else await desk.answer(word, room || undefined);
      assert.deepEqual([desk.out(), desk.news()], [sends, tells], step);
    }
    assert.deepEqual([desk.rooms._in(), desk.rooms._wanted().sort()], [rooms, wanted]);
    for (const room of desk.rooms._in()) assert.equal(desk.rooms._state(room).joined, true);
  });
}

test("rooms are joined slowly at first, and no more is refused than was taken", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const names = Array.from({ length: 20 }, (_, n) => `r${n}`);
  const desk = new Desk(names);
  void desk.rooms._begin();
  const batches: number[] = [];
  for (let open = desk.out().split(" "); open.length; ) {
    batches.push(open.length);
    const more: string[] = [];
    for (const name of open) {
      await desk.answer(name, name === "?" ? [] : undefined);
      more.push(...desk.out().split(" ").filter(Boolean));
    }
    open = more;
  }
  assert.deepEqual(batches, [2, 2, 4, 8, 5]);
  assert.deepEqual(desk.rooms._in(), names);
});

// Messages that come at once, seconds until one more may, and how often a server ends it.
for (const [burst, interval, ends] of [
  [2, 0.2, 0],
  [2, 1, 0],
  [10, 1, 0],
  [1, 3, 2],
  [2, 3, 1],
  [2, 10, 3],
] as const) {
  test(`a message rate of ${burst}, and one more each ${interval} s, is found by trying`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    t.mock.method(Math, "random", () => 0.5);
    const names = Array.from({ length: 6 }, (_, n) => `r${n}`);
    const desk = new Desk(names);
    let [now, taken, refused, ended, settled] = [0, 0, 0, 0, false];
    const begin = () => {
      [taken, refused, settled] = [now, now, false];
      void desk.rooms._begin().then(() => (settled = true));
    };
    /** As the server counts: what is over the rate has the same bound again. */
    const fits = (from: number) => Math.max(from, now) + interval - now <= burst * interval + 1e-9;
    begin();
    while (desk.rooms._in().length < names.length) {
      assert.ok(now < 600, "it comes to an end");
      const open = desk.out().split(" ").filter(Boolean);
      for (const name of open) {
        if (fits(taken)) {
          taken = Math.max(taken, now) + interval;
          await desk.answer(name, name === "?" ? [] : undefined);
        } else if (fits(refused)) {
          refused = Math.max(refused, now) + interval;
          await desk.answer(name, "025");
        } else {
          ended++;
          desk.lose();
          begin();
          break;
        }
      }
      if (open.length) continue;
      assert.equal(settled, true, "it is connected meanwhile");
      now += 0.1;
      t.mock.timers.tick(100);
    }
    assert.deepEqual(desk.rooms._in().sort(), names);
    assert.deepEqual(desk.errors, []);
    assert.ok(ended <= ends, `ended ${ended} times`);
  });
}

test("a room that takes long does not hold up the connection", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const desk = new Desk(["r"]);
  let settled = false;
  void desk.rooms._begin().then(() => (settled = true));
  await desk.answer("?", []);
  t.mock.timers.tick(4999);
  await null;
  assert.equal(settled, false);
  t.mock.timers.tick(1);
  await null;
  assert.equal(settled, true);
  await desk.answer("+r");
  assert.deepEqual(desk.rooms._in(), ["r"]);
});

test("a join without an answer is tried again, and a late answer is an answer", async (t) => {
  const desk = await joined(t);
  const release = desk.rooms._hold("r");
  const late = await desk.timeout("+r");
  assert.equal(desk.news(), "-r timeout");
  desk.out();
  t.mock.timers.tick(1000);
  assert.equal(desk.out(), "+r");
  late();
  assert.deepEqual([desk.rooms._in(), desk.news()], [["r"], "+r"]);
  await desk.answer("+r", "017");
  assert.deepEqual([desk.rooms._in(), desk.errors], [["r"], []]);
  // Given up by everybody, and then it comes about: it is left.
  release();
  t.mock.timers.tick(1);
  await desk.answer("-r");
  const again = desk.rooms._hold("r");
  desk.out();
  const later = await desk.timeout("+r");
  again();
  t.mock.timers.tick(1);
  later();
  assert.equal(desk.out(), "-r");
});
