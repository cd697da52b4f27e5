// When the limiter lets a request pass, what that costs, and what it remembers.
import { describe, expect, test } from "bun:test";
import { callerAt, chargeOf, createLimitKit, limitRule } from "../../tests/support/limitKit.ts";

describe("Limiter", () => {
  test("the sample rule: ten at once, then one every six seconds, all of it back after a minute", () => {
    const { clock, limiter, passed } = createLimitKit();
    const rule = limiter.compile(limitRule());
    const me = callerAt("203.0.113.7");
    expect(limiter.decide(me, [chargeOf(rule)])).toMatchObject({ ok: true, left: 9, resetMs: 6_000 });
    expect(passed(rule, 20, me)).toBe(9);
    expect(limiter.decide(me, [chargeOf(rule)])).toMatchObject({ ok: false, waitMs: 6_000 });
    clock.ms += 6_000;
    expect(passed(rule, 5, me)).toBe(1);
    expect(passed(rule, 1, callerAt("203.0.113.8"))).toBe(1);
    clock.ms += 60_000;
    expect(passed(rule, 20, me)).toBe(10);
  });

  test("all buckets are looked at before any is charged, and a refused request charges none", () => {
    const { limiter } = createLimitKit();
    const wide = limiter.compile(limitRule({ name: "wide", unitsMax: 100 }));
    const narrow = limiter.compile(limitRule({ name: "narrow", unitsMax: 1, by: ["user"] }));
    const me = callerAt("203.0.113.7", { user: "u" });
    expect(limiter.decide(me, [chargeOf(wide), chargeOf(narrow)])).toMatchObject({ ok: true, left: 0 });
    for (let i = 0; i < 50; i++) {
      const verdict = limiter.decide(me, [chargeOf(wide), chargeOf(narrow)]);
      expect(verdict.ok).toBe(false);
      expect(verdict.rule?.name).toBe("narrow");
    }
    expect(limiter.inspect(me, [chargeOf(wide)])[0]).toMatchObject({ left: 99 });
  });

  test("RL12: a batch is asked for its sum, charged whole or not at all", () => {
    const { limiter } = createLimitKit();
    const rule = limiter.compile(limitRule({ unitsMax: 50 }));
    const me = callerAt("203.0.113.7");
    const batch = { isAuth: false, isBatch: true };
    const parts = [chargeOf(rule, 30, "a"), chargeOf(rule, 30, "b")];
    for (let i = 0; i < 5; i++) expect(limiter.decide(me, parts, batch).ok).toBe(false);
    expect(limiter.inspect(me, [chargeOf(rule)])[0]?.left).toBe(50);
    expect(limiter.decide(me, [chargeOf(rule, 25, "a"), chargeOf(rule, 25, "b")], batch)).toMatchObject({
      ok: true,
      left: 0,
    });
    expect(limiter.decide(me, [chargeOf(rule)]).ok).toBe(false);
  });

  test("a single request that weighs more than the budget takes all of it, once", () => {
    const { clock, limiter } = createLimitKit();
    const rule = limiter.compile(limitRule());
    const me = callerAt("203.0.113.7");
    expect(limiter.decide(me, [chargeOf(rule, 500)])).toMatchObject({ ok: true, left: 0, resetMs: 60_000 });
    expect(limiter.decide(me, [chargeOf(rule)])).toMatchObject({ ok: false, waitMs: 6_000 });
    clock.ms += 60_000;
    expect(limiter.decide(me, [chargeOf(rule, 500)]).ok).toBe(true);
  });

  test("what is charged later refuses nothing, counts, and has an end", () => {
    const { clock, limiter } = createLimitKit();
    const rule = limiter.compile(limitRule());
    const me = callerAt("203.0.113.7");
    for (let i = 0; i < 1_000; i++) limiter.chargeLater(me, [chargeOf(rule)]);
    expect(limiter.decide(me, [chargeOf(rule)])).toMatchObject({ ok: false, waitMs: 66_000 });
    clock.ms += 66_000;
    expect(limiter.decide(me, [chargeOf(rule)]).ok).toBe(true);
  });

  test("a shadow rule decides, counts and refuses nothing", () => {
    const { limiter, shadowed } = createLimitKit();
    const shadow = limiter.compile(limitRule({ name: "tried", isShadow: true, unitsMax: 3 }));
    const rule = limiter.compile(limitRule());
    const me = callerAt("203.0.113.7");
    for (let i = 0; i < 5; i++) {
      const verdict = limiter.decide(me, [chargeOf(shadow), chargeOf(rule)]);
      expect(verdict).toMatchObject({ ok: true, left: 9 - i });
    }
    expect(shadowed).toEqual(["tried", "tried"]);
  });

  test("RL20: a clock that is set back gives no budget and locks nobody out", () => {
    const { clock, limiter, passed } = createLimitKit();
    const rule = limiter.compile(limitRule());
    const me = callerAt("203.0.113.7");
    expect(passed(rule, 20, me)).toBe(10);
    clock.ms -= 3_600_000;
    expect(passed(rule, 20, me)).toBe(0);
    expect(limiter.decide(me, [chargeOf(rule)])).toMatchObject({ ok: false, waitMs: 6_000 });
    clock.ms += 60_000;
    expect(passed(rule, 20, me)).toBe(10);
    clock.ms += 3 * 365 * 86_400_000;
    expect(passed(rule, 20, me)).toBe(10);
  });

  test("RL18: a flood of other keys makes nobody forgotten", () => {
    const { clock, limiter, passed } = createLimitKit(500);
    const rule = limiter.compile(limitRule({ unitsMax: 2, windowMs: 3_600_000 }));
    const attacker = (i: number) => callerAt(`203.0.113.${i % 50}`);
    expect(passed(rule, 100, attacker)).toBe(100);
    for (let i = 0; i < 20_000; i++) {
      if (i % 100 === 0) clock.ms++;
      limiter.decide(callerAt(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`), [chargeOf(rule)]);
    }
    expect(passed(rule, 50, attacker)).toBe(0);
    expect(limiter.table.shared).toBeGreaterThan(0);
    clock.ms += 4 * 3_600_000;
    expect(passed(rule, 50, attacker)).toBe(50);
  });

  test("after a crash the auth class has half of its budget, everybody else all of it", () => {
    const { clock, limiter } = createLimitKit();
    const rule = limiter.compile(limitRule());
    limiter.startAtHalf();
    const spend = (address: string, isAuth: boolean) =>
      Array.from(
        { length: 20 },
        () => limiter.decide(callerAt(address), [chargeOf(rule)], { isAuth, isBatch: false }).ok,
      ).filter(Boolean).length;
    expect(spend("203.0.113.7", true)).toBe(5);
    expect(spend("203.0.113.8", false)).toBe(10);
    clock.ms += 30_000;
    expect(spend("203.0.113.9", true)).toBe(10);
  });

  test("reset gives the budget back", () => {
    const { limiter, passed } = createLimitKit();
    const rule = limiter.compile(limitRule());
    const me = callerAt("2001:db8::1");
    expect(passed(rule, 20, me)).toBe(10);
    limiter.reset(me, [chargeOf(rule)]);
    expect(passed(rule, 20, me)).toBe(10);
  });
});
