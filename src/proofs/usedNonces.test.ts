import { expect, test } from "bun:test";
import { UsedNonces } from "./usedNonces.ts";

const START = Date.UTC(2026, 0, 15, 12);
const WINDOW = 60_000;
const LIMITS = { windowMs: WINDOW, perOwnerMax: 1_000, totalMax: 2_500 };

interface Use {
  readonly at?: number;
  readonly created?: number;
  readonly owner?: string;
}

const take = (used: UsedNonces, nonce: string, { at = START, created = at, owner = "app" }: Use = {}) =>
  used.take({ owner, nonce, createdMs: created, nowMs: at });

test("a nonce counts once, per owner", () => {
  const used = new UsedNonces(LIMITS, START);
  expect(take(used, "a")).toBe("fresh");
  expect(take(used, "a")).toBe("used");
  expect(take(used, "a", { owner: "other" })).toBe("fresh");
  expect(take(used, "b")).toBe("fresh");
});

test("a nonce is remembered until the window of its carrier is closed, to the millisecond", () => {
  for (const skew of [-WINDOW, -1, 0, 1, 7_777, WINDOW]) {
    const used = new UsedNonces(LIMITS, START - WINDOW);
    const created = START + skew;
    expect(take(used, "a", { created })).toBe("fresh");
    for (let at = START; at <= created + WINDOW; at += 997) {
      expect(take(used, "a", { at, created })).toBe("used");
      take(used, `other${at}`, { at });
    }
    expect(take(used, "a", { at: created + WINDOW, created })).toBe("used");
    expect(take(used, "a", { at: created + WINDOW + 1, created })).toBe("closed");
  }
});

test("times outside the window are closed", () => {
  const used = new UsedNonces(LIMITS, START - WINDOW);
  expect(take(used, "a", { created: START - WINDOW - 1 })).toBe("closed");
  expect(take(used, "a", { created: START + WINDOW + 1 })).toBe("closed");
  expect(take(used, "a", { created: Number.NaN })).toBe("closed");
});

test("what was made before the start is refused: an earlier process may have seen it", () => {
  const used = new UsedNonces(LIMITS, START);
  expect(take(used, "a", { at: START + 500, created: START - 1_000 })).toBe("closed");
  expect(take(used, "a", { at: START + 500, created: START })).toBe("fresh");
});

test("a clock that is set back opens nothing again", () => {
  const used = new UsedNonces(LIMITS, START);
  expect(take(used, "a")).toBe("fresh");
  take(used, "b", { at: START + 600_000 });
  expect(take(used, "a", { at: START + 1_000, created: START })).toBe("closed");
});

test("full for one owner: everything new of this owner is refused, replays stay known, others go on", () => {
  const used = new UsedNonces(LIMITS, START);
  for (let i = 0; i < 1_000; i++) expect(take(used, `n${i}`)).toBe("fresh");
  expect(take(used, "n1000")).toBe("full");
  expect(take(used, "n0")).toBe("used");
  expect(take(used, "n0", { owner: "other" })).toBe("fresh");
  // Time makes room.
  const later = START + 2 * WINDOW + 10_000;
  expect(take(used, "n1001", { at: later })).toBe("fresh");
  expect(used.size).toBe(1);
});

test("full for all: many owners cannot take more memory than the total", () => {
  const used = new UsedNonces(LIMITS, START);
  for (let i = 0; i < 10_000; i++) take(used, `n${i}`, { owner: `o${i % 100}` });
  expect(used.size).toBe(2_500);
  expect(take(used, "n0", { owner: "o0" })).toBe("used");
  expect(take(used, "new", { owner: "new" })).toBe("full");
});

test("AP6: after 1e6 fresh nonces the captured one is still refused, and memory is bounded", () => {
  const limits = { windowMs: WINDOW, perOwnerMax: 250_000, totalMax: 1_000_000 };
  const used = new UsedNonces(limits, START);
  expect(take(used, "captured")).toBe("fresh");
  let fresh = 0;
  for (let i = 0; i < 1_000_000; i++) {
    if (take(used, `flood-${i}`, { at: START + Math.floor(i / 20_000), created: START }) === "fresh") fresh++;
  }
  expect(fresh).toBe(249_999);
  expect(used.size).toBe(250_000);
  expect(take(used, "captured", { at: START + 50, created: START })).toBe("used");
  expect(take(used, "captured", { at: START + WINDOW, created: START })).toBe("used");
});
