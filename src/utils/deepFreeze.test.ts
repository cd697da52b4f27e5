import { expect, test } from "bun:test";
import { deepFreeze, isPlainObject } from "./deepFreeze.ts";

test("deepFreeze freezes objects and lists to their leaves and leaves class instances alone", () => {
  const date = new Date(0);
  const value = deepFreeze({ a: { b: [{ c: 1 }] }, date });
  expect(Object.isFrozen(value)).toBe(true);
  expect(Object.isFrozen(value.a.b)).toBe(true);
  expect(Object.isFrozen(value.a.b[0])).toBe(true);
  expect(Object.isFrozen(date)).toBe(false);
});

test("isPlainObject is true for {} and for objects without a prototype only", () => {
  expect([{}, Object.create(null)].map(isPlainObject)).toEqual([true, true]);
  expect([null, [], new Date(0), "", 1, undefined, () => 0].map(isPlainObject)).not.toContain(true);
});
