import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { KeyHash } from "./keyHash.ts";
import { LimitTable } from "./limitTable.ts";

const key = (lo: number, hi: number) => ({ lo, hi, slot: 0 });

const put = (
  table: LimitTable,
  { lo, hi, tat, now }: { lo: number; hi: number; tat: number; now: number },
) => {
  const entry = { lo, hi, slot: table.locate(lo, hi, now) };
  table.put(entry, tat, now);
};
const get = (table: LimitTable, [lo, hi]: readonly [number, number], now: number): number =>
  table.tat(table.locate(lo, hi, now), lo);

describe("LimitTable", () => {
  test("never says less than what a key has spent, however full it is", () => {
    const spend = fc.record({
      lo: fc.integer({ min: 0, max: 40 }),
      hi: fc.constantFrom(0, 0x7fff_ffff, 0xffff_ffff),
      ahead: fc.integer({ min: 1, max: 500 }),
      pause: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(spend, { maxLength: 300, size: "max" }), (steps) => {
        const table = new LimitTable(30);
        const model = new Map<string, number>();
        let now = 1;
        for (const { lo, hi, ahead, pause } of steps) {
          now += pause;
          const name = `${lo}/${hi}`;
          const tat = Math.max(get(table, [lo, hi], now), now + ahead);
          expect(get(table, [lo, hi], now)).toBeGreaterThanOrEqual(
            (model.get(name) ?? 0) > now ? (model.get(name) ?? 0) : 0,
          );
          put(table, { lo, hi, tat, now });
          model.set(name, tat);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("is exact while it is not full, and forgets only what is over", () => {
    const table = new LimitTable(1000);
    for (let i = 1; i <= 1000; i++)
      put(table, { lo: i, hi: Math.imul(i, 0x9e3779b1) >>> 0, tat: 500 + i, now: 0 });
    expect(table.shared).toBe(0);
    for (let i = 1; i <= 1000; i++)
      expect(get(table, [i, Math.imul(i, 0x9e3779b1) >>> 0], 499)).toBe(500 + i);
  });

  test("two new keys of one request that are given the same slot both keep their time", () => {
    const table = new LimitTable(10);
    const a = key(1, 0);
    const b = key(2, 0);
    a.slot = table.locate(a.lo, a.hi, 10);
    b.slot = table.locate(b.lo, b.hi, 10);
    expect(a.slot).toBe(b.slot);
    table.put(a, 100, 10);
    table.put(b, 200, 10);
    expect([get(table, [1, 0], 10), get(table, [2, 0], 10)]).toEqual([100, 200]);
  });

  test("a full bucket makes keys share: the later ones find time already spent, never a free slot", () => {
    const table = new LimitTable(1);
    for (let lo = 1; lo <= 32; lo++) put(table, { lo, hi: 0, tat: 1_000, now: 0 });
    put(table, { lo: 33, hi: 0, tat: 700, now: 0 });
    expect(get(table, [33, 0], 0)).toBe(700);
    expect(get(table, [33 + 4096, 0], 0)).toBe(700);
    expect(table.shared).toBeGreaterThan(0);
    put(table, { lo: 33 + 4096, hi: 0, tat: 300, now: 0 });
    expect(get(table, [33, 0], 0)).toBe(700);
    for (let lo = 1; lo <= 32; lo++) expect(get(table, [lo, 0], 999)).toBe(1_000);
    expect(get(table, [33, 0], 1_001)).toBe(0);
  });

  test("what is live moves whole into another table of the same size", () => {
    const [from, to] = [new LimitTable(200), new LimitTable(200)];
    const hiOf = (i: number): number => Math.imul(i, 0x9e3779b1) >>> 0;
    for (let i = 1; i <= 300; i++) put(from, { lo: i, hi: hiOf(i), tat: i, now: 0 });
    for (const entry of from.live(150)) expect(to.restore(entry)).toBe(true);
    for (let i = 1; i <= 300; i++)
      expect(get(to, [i, hiOf(i)], 150)).toBe(i > 150 ? get(from, [i, hiOf(i)], 150) : 0);
    expect(to.restore({ slot: 1e9, fingerprint: 1, tat: 1 })).toBe(false);
  });

  test("RL18: takes a fixed number of bytes", () => {
    expect(new LimitTable(10_000_000).bytes).toBeLessThan(256e6);
  });
});

describe("KeyHash", () => {
  const hash = (keyed: KeyHash, tag: number, text: string): string => {
    keyed.text(tag, text);
    return `${keyed.lo}/${keyed.hi}`;
  };

  test("tells texts, tags and keys apart", () => {
    const [one, other] = [new KeyHash([1, 2]), new KeyHash([1, 3])];
    const texts = [
      "",
      "a",
      "a\0",
      "ab",
      "abc",
      "abcd",
      "\u0100",
      "b",
      "1.2.3.4",
      "1.2.3.5",
      "\0\0",
      "\0\0\0",
    ];
    const seen = new Set(
      texts.flatMap((text) => [hash(one, 1, text), hash(one, 2, text), hash(other, 1, text)]),
    );
    expect(seen.size).toBe(3 * texts.length);
    expect(hash(one, 1, "a")).toBe(hash(new KeyHash([1, 2]), 1, "a"));
  });

  test("spreads 200,000 addresses without a collision, evenly over its upper half", () => {
    const keyed = new KeyHash([0x12345678, 0x9abcdef0]);
    const seen = new Set<number>();
    const buckets = new Uint32Array(1024);
    for (let i = 0; i < 200_000; i++) {
      keyed.text(2, `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`);
      seen.add(keyed.hi * 2 ** 20 + (keyed.lo & 0xfffff));
      buckets[keyed.hi >>> 22] = (buckets[keyed.hi >>> 22] ?? 0) + 1;
    }
    expect(seen.size).toBe(200_000);
    expect(Math.max(...buckets)).toBeLessThan(290);
    expect(Math.min(...buckets)).toBeGreaterThan(120);
  });
});
