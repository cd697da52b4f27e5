// Whose turn it is: order, fairness, bounds and deadlines of the gate.
import { expect, test } from "bun:test";
import { Gate } from "./gate.ts";

const OPTIONS = { inFlightMax: 1, queuedMax: 4, queueTimeoutMs: 100 };

/** A gate whose only place is taken, and a log of who was let in or turned away. */
const busyGate = (options: Partial<typeof OPTIONS> = {}) => {
  const gate = new Gate({ ...OPTIONS, ...options });
  expect(gate.tryEnter()).toBe(true);
  const log: string[] = [];
  const enter = (key: string, name = key, nowMs = 0): void => {
    void gate.enter(key, nowMs).then((isIn) => log.push(`${name} ${isIn ? "in" : "out"}`));
  };
  const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { gate, log, enter, tick };
};

test("lets in at once while there is room, and counts", async () => {
  const gate = new Gate({ ...OPTIONS, inFlightMax: 2 });
  expect([gate.tryEnter(), await gate.enter("a", 0), gate.tryEnter()]).toEqual([true, true, false]);
  gate.leave();
  expect([gate.inFlight, gate.queued]).toEqual([1, 0]);
});

test("takes turns between clients, in order within each", async () => {
  const { gate, log, enter, tick } = busyGate({ queuedMax: 10 });
  for (const name of ["a1", "a2", "a3"]) enter("a", name);
  for (const name of ["b1", "b2"]) enter("b", name);
  enter("c", "c1");
  for (let i = 0; i < 6; i++) gate.leave();
  await tick();
  expect(log).toEqual(["a1 in", "b1 in", "c1 in", "a2 in", "b2 in", "a3 in"]);
  expect([gate.inFlight, gate.queued]).toEqual([1, 0]);
});

test("turns away at the deadline, not before, and keeps the count right", async () => {
  const { gate, log, enter, tick } = busyGate();
  enter("a", "a1", 0);
  enter("a", "a2", 50);
  gate.sweep(99);
  await tick();
  expect(log).toEqual([]);
  gate.sweep(100);
  await tick();
  expect(log).toEqual(["a1 out"]);
  expect(gate.queued).toBe(1);
  gate.leave();
  await tick();
  expect(log).toEqual(["a1 out", "a2 in"]);
  gate.leave();
  expect([gate.inFlight, gate.queued]).toEqual([0, 0]);
});

test("a full queue of one client still has room for another: the longest line gives up its last place", async () => {
  const { gate, log, enter, tick } = busyGate();
  for (const name of ["greedy1", "greedy2", "greedy3", "greedy4"]) enter("greedy", name);
  enter("ada", "ada");
  await tick();
  expect(log).toEqual(["greedy4 out"]);
  gate.leave();
  gate.leave();
  await tick();
  expect(log).toEqual(["greedy4 out", "greedy1 in", "ada in"]);
});

test("a full queue shared evenly turns the newcomer away, and nobody can displace an equal", async () => {
  const { gate, log, enter, tick } = busyGate();
  for (const name of ["a", "b", "c", "d"]) enter(name);
  enter("e");
  enter("a", "a again");
  await tick();
  expect(log).toEqual(["e out", "a again out"]);
  expect(gate.queued).toBe(4);
});

test("a greedy client cannot push out others by asking more", async () => {
  const { log, enter, tick } = busyGate();
  for (const name of ["a1", "a2"]) enter("a", name);
  for (const name of ["b1", "b2"]) enter("b", name);
  for (let i = 0; i < 50; i++) enter("b", "b more");
  await tick();
  expect(new Set(log)).toEqual(new Set(["b more out"]));
});

test("a client that goes away leaves the queue at once", async () => {
  const { gate, log, tick } = busyGate();
  let withdraw = (): void => undefined;
  const gone = gate.enter("a", 0, (ends) => {
    withdraw = ends;
  });
  void gone.then((isIn) => log.push(`a ${isIn ? "in" : "out"}`));
  withdraw();
  await tick();
  expect(log).toEqual(["a out"]);
  expect([gate.inFlight, gate.queued]).toEqual([1, 0]);
  withdraw();
  expect(gate.queued).toBe(0);
});

test("no queue at all when its bound is 0", async () => {
  const { log, enter, tick } = busyGate({ queuedMax: 0 });
  enter("a");
  await tick();
  expect(log).toEqual(["a out"]);
});
