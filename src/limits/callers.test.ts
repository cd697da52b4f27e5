// Whom the limiter takes for one caller.
import { describe, expect, test } from "bun:test";
import { callerAt, chargeOf, createLimitKit, limitRule } from "../../tests/support/limitKit.ts";
import { keepCaller } from "./buckets.ts";

describe("callers", () => {
  test("RL1: the addresses of a /64 are one client; /56 and /48 have four and sixteen times its budget", () => {
    const { limiter, passed } = createLimitKit();
    const rule = limiter.compile(limitRule());
    expect(passed(rule, 10_000, (i) => callerAt(`2001:db8:1:1::${i.toString(16)}`))).toBe(10);
    const inOne56 = (i: number) => callerAt(`2001:db8:2:${(0xab00 + (i % 256)).toString(16)}::1`);
    expect(passed(rule, 200, inOne56)).toBe(40);
    const inOne48 = (i: number) => callerAt(`2001:db8:3:${(i % 65_536).toString(16)}::1`);
    expect(passed(rule, 5_000, (i) => inOne48(i * 13))).toBe(160);
    expect(passed(rule, 1, callerAt("2001:db8:4::1"))).toBe(1);
  });

  test("RL1: every spelling of an address is read alike", () => {
    const { limiter, passed } = createLimitKit();
    const rule = limiter.compile(limitRule());
    const spellings = [
      "2001:db8::1",
      "2001:0DB8:0:0::1",
      "2001:db8:0:0:0:0:0:1",
      "2001:db8::ffff:1",
      "2001:db8::",
    ];
    expect(passed(rule, 100, (i) => callerAt(spellings[i % spellings.length] ?? ""))).toBe(10);
    const others = ["::1", "1::", "1::2:3:4:5:6:7", "0:0:0:1::"];
    expect(passed(rule, others.length, (i) => callerAt(others[i] ?? ""))).toBe(4);
  });

  test("RL2: mapped IPv4 addresses are themselves, and their plain spelling", () => {
    const { limiter, passed } = createLimitKit();
    const rule = limiter.compile(limitRule());
    expect(passed(rule, 30, callerAt("::ffff:1.2.3.4"))).toBe(10);
    expect(passed(rule, 2, callerAt("1.2.3.4"))).toBe(0);
    expect(passed(rule, 2, callerAt("::ffff:102:304"))).toBe(0);
    expect(passed(rule, 30, callerAt("::ffff:5.6.7.8"))).toBe(10);
  });

  test("RL15: a user's sessions share his budget, and a new one brings none", () => {
    const { limiter, passed } = createLimitKit();
    const rule = limiter.compile(limitRule({ by: ["user"] }));
    const session = (i: number) => callerAt(`198.51.100.${i}`, { user: "cid/uid", session: `s${i}` });
    expect(passed(rule, 100, session)).toBe(10);
    const perSession = limiter.compile(limitRule({ name: "s", by: ["session"] }));
    expect(passed(perSession, 40, (i) => session(i % 2))).toBe(20);
  });

  test("guests count by address where users count by user; a collection, class or everybody by itself", () => {
    const { limiter, passed } = createLimitKit();
    const byUser = limiter.compile(limitRule({ by: ["user"] }));
    expect(passed(byUser, 30, (i) => callerAt(`198.51.100.${i % 2}`))).toBe(20);
    const global = limiter.compile(limitRule({ name: "g", by: ["global"] }));
    expect(passed(global, 30, (i) => callerAt(`198.51.100.${i}`))).toBe(10);
    const perCollection = limiter.compile(limitRule({ name: "pc", by: ["address", "collection"] }));
    const me = callerAt("203.0.113.9");
    const spend = (collection: string) =>
      Array.from(
        { length: 15 },
        () => limiter.decide(me, [chargeOf(perCollection, 1, collection)]).ok,
      ).filter(Boolean);
    expect(spend("a")).toHaveLength(10);
    expect(spend("b")).toHaveLength(10);
  });

  test("a caller who is kept counts as one who is not, under every limiter that meets him", () => {
    const kept = keepCaller(callerAt("2001:db8::7", { user: "cid/uid", session: "s" }));
    const fresh = () => callerAt("2001:db8::7", { user: "cid/uid", session: "s" });
    for (const { limiter, passed } of [createLimitKit(), createLimitKit()]) {
      for (const by of ["address", "user", "session"] as const) {
        const rule = limiter.compile(limitRule({ name: by, by: [by] }));
        expect(passed(rule, 6, (i) => (i % 2 === 0 ? kept : fresh()))).toBe(6);
        expect(passed(rule, 20, (i) => (i % 2 === 0 ? kept : fresh()))).toBe(4);
      }
    }
  });
});
