// Holds what a Set would hold, whatever enters and leaves, and when.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Bag } from "./bag.ts";

const contentsOf = (bag: Bag<{ bagPlace: number; name: number }>): number[] => {
  const names: number[] = [];
  bag.visitAll(({ name }) => names.push(name));
  return names.sort((a, b) => a - b);
};

test("a bag holds what a set would hold", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(9)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (changes) => {
      const items = Array.from({ length: 10 }, (_, name) => ({ name, bagPlace: -1 }));
      const bag = new Bag<(typeof items)[number]>();
      const set = new Set<number>();
      for (const [enters, name] of changes) {
        const item = items[name];
        if (item === undefined || (enters && set.has(name))) continue;
        if (enters) bag.add(item);
        else bag.delete(item);
        if (enters) set.add(name);
        else set.delete(name);
        expect(bag.size).toBe(set.size);
        expect(contentsOf(bag)).toEqual([...set].sort((a, b) => a - b));
      }
    }),
  );
});

test("a visit may take out others and bring in new ones", () => {
  const bag = new Bag<{ bagPlace: number; name: number }>();
  const items = [0, 1, 2, 3].map((name) => ({ name, bagPlace: -1 }));
  for (const item of items) bag.add(item);
  const seen: number[] = [];
  bag.visitAll((item) => {
    seen.push(item.name);
    bag.delete(item);
    const next = items[3];
    if (item.name === 0 && next !== undefined) bag.delete(next);
    if (item.name === 1) bag.add({ name: 4, bagPlace: -1 });
  });
  expect(seen).toEqual([0, 1, 2]);
  expect(contentsOf(bag)).toEqual([4]);
});
