// Events held back while a login is in question: in their order, after a yes asked for late enough, and not without end.
import { expect, test } from "bun:test";
import { HeldEvents } from "./heldEvents.ts";

const event = (data: string) => ({ topic: "posts/*", data });

test("an event waits for the last question of its time, and those before it come first", () => {
  const held = new HeldEvents();
  expect(held.isInQuestion).toBe(false);
  held.ask();
  held.hold(event("one"));
  held.ask();
  held.hold(event("two"));
  expect(held.answer(1)).toEqual([event("one")]);
  expect(held.isInQuestion).toBe(true);
  expect(held.answer(held.asked)).toEqual([event("two")]);
  expect([held.isInQuestion, held.answer(1)]).toEqual([false, []]);
});

test("the answer to a later question frees all, and one that comes after it changes nothing", () => {
  const held = new HeldEvents();
  for (const data of ["one", "two"]) {
    held.ask();
    held.hold(event(data));
  }
  expect(held.answer(2)).toEqual([event("one"), event("two")]);
  expect(held.answer(1)).toEqual([]);
  expect(held.isInQuestion).toBe(false);
});

test("there is room for a thousand", () => {
  const held = new HeldEvents();
  held.ask();
  for (let n = 0; n < 1_000; n++) expect(held.hold(event(`${n}`))).toBe(true);
  expect(held.hold(event("one more"))).toBe(false);
  held.clear();
  expect(held.answer(1)).toEqual([]);
});
