import { describe, expect, test } from "bun:test";
import { parseAddress } from "../utils/address.ts";
import { type Caller, type Charge, type CompiledRule, keepCaller } from "./buckets.ts";
import { Limiter } from "./limiter.ts";
import type { Rule } from "./rules.ts";

const RULE: Rule = {
  name: "r",
  methods: [],
  path: undefined,
  collections: [],
  actions: [],
  audience: [],
  unitsMax: 10,
  windowMs: 60_000,
  burst: undefined,
  by: ["address"],
  cost: "weight",
  isShadow: false,
  group: undefined,
};

const createKit = (keysMax = 100_000) => {
  const clock = { ms: 5_000 };
  const shadowed: string[] = [];
  const limiter = new Limiter({
    keysMax,
    hashKey: [7, 11],
    nowMs: () => clock.ms,
    onShadow: ({ name }) => shadowed.push(name),
  });
  const charge = (rule: CompiledRule, units = 1, collection = "c"): Charge => ({
    rule,
    units,
    routeClass: "read",
    collection,
  });
  const from = (address: string, more: Partial<Caller> = {}): Caller => ({
    address: parseAddress(address) ?? "",
    user: undefined,
    session: undefined,
    app: undefined,
    ...more,
  });
  /** How many of `count` single requests of these callers get through. */
  const passed = (rule: CompiledRule, callers: Iterable<Caller>): number => {
    let count = 0;
    for (const caller of callers) if (limiter.decide(caller, [charge(rule)]).ok) count++;
    return count;
  };
  return { clock, limiter, shadowed, charge, from, passed };
};

const times = (count: number, make: (at: number) => Caller): Caller[] =>
  Array.from({ length: count }, (_, at) => make(at));

describe("Limiter", () => {
  test("the sample rule: ten at once, then one every six seconds, all of it back after a minute", () => {
    const { clock, limiter, charge, from, passed } = createKit();
    const rule = limiter.compile(RULE);
    const me = from("203.0.113.7");
    expect(limiter.decide(me, [charge(rule)])).toMatchObject({ ok: true, left: 9, resetMs: 6_000 });
    expect(
      passed(
        rule,
        times(20, () => me),
      ),
    ).toBe(9);
    expect(limiter.decide(me, [charge(rule)])).toMatchObject({ ok: false, waitMs: 6_000 });
    clock.ms += 6_000;
    expect(
      passed(
        rule,
        times(5, () => me),
      ),
    ).toBe(1);
    expect(passed(rule, [from("203.0.113.8")])).toBe(1);
    clock.ms += 60_000;
    expect(
      passed(
        rule,
        times(20, () => me),
      ),
    ).toBe(10);
  });

  test("all buckets are looked at before any is charged, and a refused request charges none", () => {
    const { limiter, charge, from } = createKit();
    const wide = limiter.compile({ ...RULE, name: "wide", unitsMax: 100 });
    const narrow = limiter.compile({ ...RULE, name: "narrow", unitsMax: 1, by: ["user"] });
    const me = from("203.0.113.7", { user: "u" });
    expect(limiter.decide(me, [charge(wide), charge(narrow)])).toMatchObject({ ok: true, left: 0 });
    for (let i = 0; i < 50; i++) {
      const verdict = limiter.decide(me, [charge(wide), charge(narrow)]);
      expect(verdict.ok).toBe(false);
      expect(verdict.rule?.name).toBe("narrow");
    }
    expect(limiter.inspect(me, [charge(wide)])[0]).toMatchObject({ left: 99 });
  });

  test("RL1: the addresses of a /64 are one client; /56 and /48 have four and sixteen times its budget", () => {
    const { limiter, from, passed } = createKit();
    const rule = limiter.compile(RULE);
    expect(
      passed(
        rule,
        times(10_000, (i) => from(`2001:db8:1:1::${i.toString(16)}`)),
      ),
    ).toBe(10);
    const inOne56 = (i: number) => from(`2001:db8:2:${(0xab00 + (i % 256)).toString(16)}::1`);
    expect(passed(rule, times(200, inOne56))).toBe(40);
    const inOne48 = (i: number) => from(`2001:db8:3:${(i % 65_536).toString(16)}::1`);
    expect(
      passed(
        rule,
        times(5_000, (i) => inOne48(i * 13)),
      ),
    ).toBe(160);
    expect(passed(rule, [from("2001:db8:4::1")])).toBe(1);
  });

  test("RL1: every spelling of an address is read alike", () => {
    const { limiter, passed, from } = createKit();
    const rule = limiter.compile(RULE);
    const spellings = [
      "2001:db8::1",
      "2001:0DB8:0:0::1",
      "2001:db8:0:0:0:0:0:1",
      "2001:db8::ffff:1",
      "2001:db8::",
    ];
    expect(
      passed(
        rule,
        times(100, (i) => from(spellings[i % spellings.length] ?? "")),
      ),
    ).toBe(10);
    const others = ["::1", "1::", "1::2:3:4:5:6:7", "0:0:0:1::"];
    expect(
      passed(
        rule,
        others.map((text) => from(text)),
      ),
    ).toBe(4);
  });

  test("RL2: mapped IPv4 addresses are themselves, and their plain spelling", () => {
    const { limiter, from, passed } = createKit();
    const rule = limiter.compile(RULE);
    expect(
      passed(
        rule,
        times(30, () => from("::ffff:1.2.3.4")),
      ),
    ).toBe(10);
    expect(passed(rule, [from("1.2.3.4"), from("::ffff:102:304")])).toBe(0);
    expect(
      passed(
        rule,
        times(30, () => from("::ffff:5.6.7.8")),
      ),
    ).toBe(10);
  });

  test("RL15: a user's sessions share his budget, and a new one brings none", () => {
    const { limiter, from, passed } = createKit();
    const rule = limiter.compile({ ...RULE, by: ["user"] });
    const session = (i: number) => from(`198.51.100.${i}`, { user: "cid/uid", session: `s${i}` });
    expect(passed(rule, times(100, session))).toBe(10);
    const perSession = limiter.compile({ ...RULE, name: "s", by: ["session"] });
    expect(
      passed(
        perSession,
        times(40, (i) => session(i % 2)),
      ),
    ).toBe(20);
  });

  test("guests count by address where users count by user; a collection, class or everybody by itself", () => {
    const { limiter, charge, from, passed } = createKit();
    const byUser = limiter.compile({ ...RULE, by: ["user"] });
    expect(
      passed(
        byUser,
        times(30, (i) => from(`198.51.100.${i % 2}`)),
      ),
    ).toBe(20);
    const global = limiter.compile({ ...RULE, name: "g", by: ["global"] });
    expect(
      passed(
        global,
        times(30, (i) => from(`198.51.100.${i}`)),
      ),
    ).toBe(10);
    const perCollection = limiter.compile({ ...RULE, name: "pc", by: ["address", "collection"] });
    const me = from("203.0.113.9");
    const spend = (collection: string) =>
      Array.from({ length: 15 }, () => limiter.decide(me, [charge(perCollection, 1, collection)]).ok).filter(
        Boolean,
      );
    expect(spend("a")).toHaveLength(10);
    expect(spend("b")).toHaveLength(10);
  });

  test("RL12: a batch is asked for its sum, charged whole or not at all", () => {
    const { limiter, charge, from } = createKit();
    const rule = limiter.compile({ ...RULE, unitsMax: 50 });
    const me = from("203.0.113.7");
    const batch = { isAuth: false, isBatch: true };
    const parts = [charge(rule, 30, "a"), charge(rule, 30, "b")];
    for (let i = 0; i < 5; i++) expect(limiter.decide(me, parts, batch).ok).toBe(false);
    expect(limiter.inspect(me, [charge(rule)])[0]?.left).toBe(50);
    expect(limiter.decide(me, [charge(rule, 25, "a"), charge(rule, 25, "b")], batch)).toMatchObject({
      ok: true,
      left: 0,
    });
    expect(limiter.decide(me, [charge(rule)]).ok).toBe(false);
  });

  test("a single request that weighs more than the budget takes all of it, once", () => {
    const { clock, limiter, charge, from } = createKit();
    const rule = limiter.compile(RULE);
    const me = from("203.0.113.7");
    expect(limiter.decide(me, [charge(rule, 500)])).toMatchObject({ ok: true, left: 0, resetMs: 60_000 });
    expect(limiter.decide(me, [charge(rule)])).toMatchObject({ ok: false, waitMs: 6_000 });
    clock.ms += 60_000;
    expect(limiter.decide(me, [charge(rule, 500)]).ok).toBe(true);
  });

  test("what is charged later refuses nothing, counts, and has an end", () => {
    const { clock, limiter, charge, from } = createKit();
    const rule = limiter.compile(RULE);
    const me = from("203.0.113.7");
    for (let i = 0; i < 1_000; i++) limiter.chargeLater(me, [charge(rule)]);
    expect(limiter.decide(me, [charge(rule)])).toMatchObject({ ok: false, waitMs: 66_000 });
    clock.ms += 66_000;
    expect(limiter.decide(me, [charge(rule)]).ok).toBe(true);
  });

  test("a shadow rule decides, counts and refuses nothing", () => {
    const { limiter, shadowed, charge, from } = createKit();
    const shadow = limiter.compile({ ...RULE, name: "tried", isShadow: true, unitsMax: 3 });
    const rule = limiter.compile(RULE);
    const me = from("203.0.113.7");
    for (let i = 0; i < 5; i++) {
      const verdict = limiter.decide(me, [charge(shadow), charge(rule)]);
      expect(verdict).toMatchObject({ ok: true, left: 9 - i });
    }
    expect(shadowed).toEqual(["tried", "tried"]);
  });

  test("RL20: a clock that is set back gives no budget and locks nobody out", () => {
    const { clock, limiter, charge, from, passed } = createKit();
    const rule = limiter.compile(RULE);
    const me = from("203.0.113.7");
    expect(
      passed(
        rule,
        times(20, () => me),
      ),
    ).toBe(10);
    clock.ms -= 3_600_000;
    expect(
      passed(
        rule,
        times(20, () => me),
      ),
    ).toBe(0);
    expect(limiter.decide(me, [charge(rule)])).toMatchObject({ ok: false, waitMs: 6_000 });
    clock.ms += 60_000;
    expect(
      passed(
        rule,
        times(20, () => me),
      ),
    ).toBe(10);
    clock.ms += 3 * 365 * 86_400_000;
    expect(
      passed(
        rule,
        times(20, () => me),
      ),
    ).toBe(10);
  });

  test("RL18: a flood of other keys makes nobody forgotten", () => {
    const { clock, limiter, charge, from, passed } = createKit(500);
    const rule = limiter.compile({ ...RULE, unitsMax: 2, windowMs: 3_600_000 });
    const attackers = times(50, (i) => from(`203.0.113.${i}`));
    for (const attacker of attackers) passed(rule, [attacker, attacker]);
    for (let i = 0; i < 20_000; i++) {
      if (i % 100 === 0) clock.ms++;
      limiter.decide(from(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`), [charge(rule)]);
    }
    expect(passed(rule, attackers)).toBe(0);
    expect(limiter.table.shared).toBeGreaterThan(0);
    clock.ms += 4 * 3_600_000;
    expect(passed(rule, attackers)).toBe(50);
  });

  test("after a crash the auth class has half of its budget, everybody else all of it", () => {
    const { clock, limiter, charge, from } = createKit();
    const rule = limiter.compile(RULE);
    limiter.startAtHalf();
    const spend = (address: string, isAuth: boolean) =>
      Array.from(
        { length: 20 },
        () => limiter.decide(from(address), [charge(rule)], { isAuth, isBatch: false }).ok,
      ).filter(Boolean).length;
    expect(spend("203.0.113.7", true)).toBe(5);
    expect(spend("203.0.113.8", false)).toBe(10);
    clock.ms += 30_000;
    expect(spend("203.0.113.9", true)).toBe(10);
  });

  test("a caller who is kept counts as one who is not, under every limiter that meets him", () => {
    const [one, other] = [createKit(), createKit()];
    const kept = keepCaller(one.from("2001:db8::7", { user: "cid/uid", session: "s" }));
    const fresh = () => one.from("2001:db8::7", { user: "cid/uid", session: "s" });
    for (const { limiter, passed } of [one, other]) {
      for (const by of ["address", "user", "session"] as const) {
        const rule = limiter.compile({ ...RULE, name: by, by: [by] });
        expect(
          passed(
            rule,
            times(6, (i) => (i % 2 === 0 ? kept : fresh())),
          ),
        ).toBe(6);
        expect(
          passed(
            rule,
            times(20, (i) => (i % 2 === 0 ? kept : fresh())),
          ),
        ).toBe(4);
      }
    }
  });

  test("reset gives the budget back", () => {
    const { limiter, charge, from, passed } = createKit();
    const rule = limiter.compile(RULE);
    const me = from("2001:db8::1");
    expect(
      passed(
        rule,
        times(20, () => me),
      ),
    ).toBe(10);
    limiter.reset(me, [charge(rule)]);
    expect(
      passed(
        rule,
        times(20, () => me),
      ),
    ).toBe(10);
  });
});
