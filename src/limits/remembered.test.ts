// What limits remember: bans, the state over a restart, those who ask the most.
import { describe, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { limitRule } from "../../tests/support/limitKit.ts";
import { createScratch } from "../../tests/support/scratch.ts";
import { toRoute } from "../pocketbase/routes.ts";
import { Bans } from "./bans.ts";
import { guestAt } from "./buckets.ts";
import { type Ask, Limits, type LimitsConfig } from "./limits.ts";
import { loadState, saveState } from "./stateFile.ts";
import { TopTalkers } from "./topTalkers.ts";

const RULE = limitRule({ name: "default" });

const CONFIG: LimitsConfig = {
  isEnabled: true,
  isShadow: false,
  rules: [RULE],
  importsRules: true,
  message: "Slow down.",
  connectionsPerAddressMax: 10,
  inFlightPerAddressMax: 10,
  inFlightPerUserMax: 10,
  streamsPerAddressMax: 10,
  streamsPerSessionMax: 10,
};

const createKit = (dir: string, hashKey: readonly [number, number] = [1, 2], keysMax = 1000) => {
  const clock = { ms: 1_000, wallMs: 1_700_000_000_000 };
  const wallMs = () => clock.wallMs;
  const limits = new Limits({
    config: CONFIG,
    keysMax,
    hashKey,
    nowMs: () => clock.ms,
    wallMs,
    bans: new Bans({ path: join(dir, "bans.json"), wallMs }),
    collectionOf: () => undefined,
  });
  const path = "/api/collections/posts/records";
  const ask = (address: string, weight = 1, method = "GET"): Ask => ({
    caller: guestAt(address),
    audience: "guest",
    deed: { method, path, route: toRoute(method, path.slice(1).split("/")) },
    weight,
  });
  const login: Ask = {
    ...ask("203.0.113.9"),
    deed: { method: "POST", path: "/x", route: { kind: "auth", body: "struct" } },
  };
  const passed = (one: Ask): number =>
    Array.from({ length: 20 }, () => limits.decide(one).ok).filter(Boolean).length;
  return { clock, limits, ask, login, passed };
};

describe("a restart", () => {
  test("what was spent stays spent, and drains while nobody runs", () => {
    using scratch = createScratch("limits");
    const file = join(scratch.path, "limits.state");
    const first = createKit(scratch.path);
    expect(first.passed(first.ask("203.0.113.7"))).toBe(10);
    saveState(file, first.limits.state(true));
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const saved = loadState(file);
    if (saved === undefined) throw new Error("no state");
    const second = createKit(scratch.path, saved.hashKey);
    second.clock.ms = 77;
    second.clock.wallMs += 12_000;
    second.limits.restore(saved);
    expect(second.passed(second.ask("203.0.113.7"))).toBe(2);
    expect(second.passed(second.login)).toBe(10);

    // A wall clock that went back forgives nothing and keeps nobody longer.
    const third = createKit(scratch.path, saved.hashKey);
    third.clock.wallMs -= 3_600_000;
    third.limits.restore(saved);
    expect(third.passed(third.ask("203.0.113.7"))).toBe(0);
    third.clock.ms += 60_000;
    expect(third.passed(third.ask("203.0.113.7"))).toBe(10);

    // A table of another size holds its keys elsewhere.
    const other = createKit(scratch.path, saved.hashKey, 5000);
    other.limits.restore(saved);
    expect(other.passed(other.ask("203.0.113.7"))).toBe(10);
  });

  test("after a crash the auth class has half, and devices are still known", () => {
    using scratch = createScratch("limits");
    const file = join(scratch.path, "limits.state");
    const first = createKit(scratch.path);
    first.limits.shield.devices.add("ada", "laptop");
    saveState(file, first.limits.state(false));
    const saved = loadState(file);
    if (saved === undefined) throw new Error("no state");
    const second = createKit(scratch.path, saved.hashKey);
    second.limits.restore(saved);
    expect(second.passed(second.login)).toBe(5);
    expect(second.passed(second.ask("203.0.113.7"))).toBe(10);
    expect(second.limits.shield.devices.has("ada", "laptop")).toBe(true);
    expect(first.limits.identityOf("c", "Ada")).toBe(second.limits.identityOf("c", "ada "));
  });

  test("a file that is not whole counts as none", () => {
    using scratch = createScratch("limits");
    const file = join(scratch.path, "limits.state");
    expect(loadState(file)).toBeUndefined();
    const kit = createKit(scratch.path);
    kit.passed(kit.ask("203.0.113.7"));
    saveState(file, kit.limits.state(true));
    const whole = readFileSync(file);
    for (const broken of [whole.subarray(0, -1), whole.subarray(5), Buffer.alloc(0), Buffer.from("{}\n")]) {
      writeFileSync(file, broken);
      expect(loadState(file)).toBeUndefined();
    }
  });

  test("new settings keep what was spent under the same name", () => {
    using scratch = createScratch("limits");
    const { limits, ask, passed } = createKit(scratch.path);
    expect(passed(ask("203.0.113.7"))).toBe(10);
    limits.reconfigure({ ...CONFIG, rules: [{ ...RULE, unitsMax: 12 }] });
    expect(passed(ask("203.0.113.7"))).toBeLessThan(3);
    limits.reconfigure({ ...CONFIG, rules: [{ ...RULE, name: "other", unitsMax: 3 }] });
    expect(passed(ask("203.0.113.7"))).toBe(3);
    limits.importRules({
      rateLimits: { enabled: true, rules: [{ label: "*:list", audience: "", duration: 60, maxRequests: 2 }] },
    });
    expect(passed(ask("203.0.113.8"))).toBe(2);
    limits.reset(guestAt("203.0.113.8"));
    expect(limits.inspect(guestAt("203.0.113.8")).map(({ rule, left }) => `${rule?.name} ${left}`)).toEqual([
      "other 3",
      "pocketbase-0 2",
      "login:address 30",
      "login:mailAddress 20",
      "refused-bodies 60",
    ]);
  });
});

describe("Bans", () => {
  test("shut out addresses, their /64s and users until their end, and outlive the process", () => {
    using scratch = createScratch("bans");
    const clock = { wallMs: 1_000_000 };
    const open = () => new Bans({ path: join(scratch.path, "bans.json"), wallMs: () => clock.wallMs });
    const bans = open();
    const untilMs = clock.wallMs + 60_000;
    expect(bans.find("203.0.113.7", undefined)).toBeUndefined();
    expect(bans.add({ kind: "address", name: "203.0.113.7", untilMs, reason: "spam" })).toBe(true);
    bans.add({ kind: "address", name: "2001:db8:1:1::5", untilMs, reason: "spam" });
    bans.add({ kind: "user", name: "c/u", untilMs: untilMs + 1, reason: "spam" });
    const again = open();
    for (const one of [bans, again]) {
      expect(one.find("203.0.113.7", undefined)?.reason).toBe("spam");
      expect(one.find("2001:db8:1:1:ffff::9", undefined)).toBeDefined();
      expect(one.find("2001:db8:1:2::5", undefined)).toBeUndefined();
      expect(one.find("192.0.2.1", "c/u")).toBeDefined();
      expect(one.list()).toHaveLength(3);
    }
    expect(again.remove("address", "2001:db8:1:1::")).toBe(true);
    expect(again.remove("address", "2001:db8:1:1::")).toBe(false);
    expect(open().find("2001:db8:1:1::5", undefined)).toBeUndefined();
    clock.wallMs = untilMs;
    expect(bans.find("203.0.113.7", undefined)).toBeUndefined();
    expect(again.list()).toHaveLength(1);
  });

  test("a damaged file lets nobody in", () => {
    using scratch = createScratch("bans");
    const path = join(scratch.path, "bans.json");
    for (const text of ["", "{}", "[1]", '[{"kind":"address"}]']) {
      writeFileSync(path, text);
      expect(() => new Bans({ path, wallMs: () => 0 })).toThrow("is damaged");
    }
  });
});

describe("TopTalkers", () => {
  test("finds those who ask the most among many, and forgets", () => {
    const clock = { ms: 0 };
    const talkers = new TopTalkers(() => clock.ms);
    for (let i = 0; i < 50_000; i++) {
      talkers.note(`10.0.${i >> 8}.${i & 255}`, 1, 0);
      if (i % 10 === 0) talkers.note("loud", 1, 1);
      if (i % 20 === 0) talkers.note("louder", 8, 0);
    }
    const [first, second] = talkers.list(10);
    expect([first?.name, second?.name]).toEqual(["louder", "loud"]);
    expect(first?.requests).toBeWithin(20_000, 20_400);
    expect(second?.refused).toBe(5_000);
    expect(talkers.list(1000).length).toBeLessThanOrEqual(256);
    clock.ms += 30 * 60_000;
    expect(talkers.list(10)).toEqual([]);
  });
});
