// The bound of the store: entries, and what they leave behind until the collector runs.
import { expect, test } from "bun:test";
import { type Entry, toKept } from "./entry.ts";
import { EntryStore } from "./store.ts";
import { Versions } from "./versions.ts";

const entry = (key: string, bytes: number): Entry => {
  const kept = toKept({ status: 200, headers: [], body: null }, new Uint8Array(bytes));
  if (kept === undefined) throw new Error("not kept");
  return {
    ...kept,
    key,
    name: undefined,
    lease: new Versions().lease([]),
    storedMs: 0,
    hits: 0,
    isUsed: false,
  };
};

test("entries and what they leave behind never pass the bound before the collector is called", () => {
  // What was used for a moment, and entries that were dropped, since the collector ran.
  let young = 0;
  let dropped = 0;
  let collections = 0;
  const store = new EntryStore(1_000_000, {
    young: () => {
      young = 0;
      return true;
    },
    all: () => {
      young = 0;
      dropped = 0;
      collections += 1;
      return true;
    },
  });
  for (let i = 0; i < 2_000; i++) {
    const before = store.size;
    young += 2 * 5_000;
    store.put(entry(`k${i}`, 5_000));
    dropped += (before + 1 - store.size) * 5_000;
    expect(store.size * 5_000 + young + dropped).toBeLessThanOrEqual(1_000_000 + 3 * 10_000);
  }
  expect(collections).toBeGreaterThan(10);
  expect(collections).toBeLessThan(200);
  expect(store.size * 5_000).toBeGreaterThan(250_000);
  expect(store.peek("k0")).toBeUndefined();
  expect(store.peek("k1999")).toBeDefined();
});

test("while the collector rests, what is left behind goes on counting", () => {
  let isResting = true;
  const calls = { young: 0, all: 0 };
  const count = (which: "young" | "all") => (): boolean => {
    if (!isResting) calls[which] += 1;
    return !isResting;
  };
  const store = new EntryStore(1_000_000, { young: count("young"), all: count("all") });
  for (let i = 0; i < 500; i++) store.put(entry(`k${i}`, 5_000));
  isResting = false;
  store.put(entry("next", 5_000));
  expect(calls).toEqual({ young: 0, all: 1 });
});

test("what is deleted or cleared counts until the collector has run", () => {
  let collections = 0;
  const store = new EntryStore(1_000_000, {
    young: () => true,
    all: () => {
      collections += 1;
      return true;
    },
  });
  for (let i = 0; i < 500; i++) {
    store.put(entry("k", 50_000));
    if (i % 2 === 0) store.delete("k");
    else store.clear();
  }
  expect(collections).toBeGreaterThan(20);
});

test("a store that is not full and barely changes never calls it", () => {
  const called = (): never => {
    throw new Error("called");
  };
  const store = new EntryStore(4_000_000, { young: called, all: called });
  for (let i = 0; i < 15; i++) store.put(entry(`k${i}`, 5_000));
  for (let i = 0; i < 10_000; i++) store.use(`k${i % 15}`);
  store.clear();
  expect(store.bytes).toBe(0);
});

test("what is larger than an eighth of the bound is not taken", () => {
  const store = new EntryStore(1_000_000);
  store.put(entry("large", 150_000));
  expect(store.size).toBe(0);
});

test("what has its place keeps it through a flood, and gives way when it is not asked for any more", () => {
  const store = new EntryStore(4_000_000, { young: () => true, all: () => true });
  const [kept, left] = [0, 100].map((from) => Array.from({ length: 100 }, (_, i) => `k${from + i}`));
  const flood = (count: number): void => {
    for (let i = 0; i < count; i++) store.put(entry(`flood${i}`, 5_000));
  };
  for (const key of [...(kept ?? []), ...(left ?? [])]) {
    store.put(entry(key, 5_000));
    store.use(key);
  }
  for (let round = 0; round < 10; round++) {
    flood(400);
    for (const key of kept ?? []) expect(store.use(key)).toBeDefined();
  }
  // The place of those that are given goes to others that are.
  for (let i = 0; i < 500; i++) {
    store.put(entry(`other${i}`, 5_000));
    store.use(`other${i}`);
  }
  expect((left ?? []).filter((key) => store.peek(key) !== undefined)).toEqual([]);
});
