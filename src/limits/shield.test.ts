import { describe, expect, test } from "bun:test";
import { EvenPace } from "./evenPace.ts";
import { Limiter } from "./limiter.ts";
import { type LoginTry, type Outcome, Shield } from "./shield.ts";

const createKit = () => {
  const clock = { ms: 1_000, wallMs: 1_700_000_000_000 };
  const limiter = new Limiter({ keysMax: 100_000, hashKey: [1, 2], nowMs: () => clock.ms });
  const shield = new Shield({ limiter, nowMs: () => clock.ms, wallMs: () => clock.wallMs });
  const login = (more: Partial<LoginTry> = {}): LoginTry => ({
    kind: "guess",
    address: "203.0.113.7",
    identity: "ada",
    devices: ["thief"],
    ...more,
  });
  /** Whether a try begins; it ends at once as told. */
  const attempt = (one: LoginTry, outcome: Outcome): boolean => {
    const begun = shield.begin(one);
    if (begun.ok) shield.end(begun.attempt, outcome);
    return begun.ok;
  };
  const passed = (count: number, make: (at: number) => LoginTry, outcome: Outcome = "failed"): number =>
    Array.from({ length: count }, (_, at) => attempt(make(at), outcome)).filter(Boolean).length;
  const wait = (ms: number): void => {
    clock.ms += ms;
    clock.wallMs += ms;
  };
  return { clock, limiter, shield, login, attempt, passed, wait };
};

const OWNER = { devices: ["laptop"], address: "198.51.100.1" };

describe("Shield", () => {
  test("wrong old passwords count by session and account, and among the failures of their address", () => {
    const { login, attempt, passed, wait } = createKit();
    const change = (more: Partial<LoginTry> = {}) => login({ kind: "change", devices: ["session"], ...more });
    expect(passed(100, () => change(), "neither")).toBe(100);
    expect(passed(100, () => change())).toBe(5);
    expect(attempt(change({ devices: ["another"] }), "neither")).toBe(true);
    expect(attempt(change({ identity: "ben" }), "neither")).toBe(true);
    expect(attempt(login({ identity: "cyd" }), "succeeded")).toBe(true);
    expect(passed(25, (at) => change({ devices: [`session${Math.floor(at / 5)}`] }))).toBe(25);
    expect(attempt(login({ identity: "dora" }), "neither")).toBe(false);
    // Others at the address may change theirs all the same.
    expect(attempt(change({ identity: "dora", devices: ["hers"] }), "neither")).toBe(true);
    wait(60_000);
    expect(passed(2, () => change())).toBe(1);
  });

  test("RL10: one address at one account is delayed, its owner's device is not, and nobody is locked out", () => {
    const { shield, login, attempt, passed, wait } = createKit();
    expect(attempt(login(OWNER), "succeeded")).toBe(true);
    expect(passed(100, () => login())).toBe(5);
    const delayed = shield.begin(login());
    expect(delayed).toMatchObject({ ok: false, waitMs: 60_000 });
    // From anywhere, the thief's network too.
    expect(attempt(login(OWNER), "succeeded")).toBe(true);
    expect(attempt(login({ ...OWNER, address: "203.0.113.7" }), "succeeded")).toBe(true);
    // On a device nobody knows the owner waits a minute at most; the thief's tries while waiting add nothing.
    passed(1_000, () => login());
    wait(60_000);
    expect(attempt(login(), "succeeded")).toBe(true);
  });

  test("many tries at once are no way around: each counts before it has failed", () => {
    const { shield, login } = createKit();
    const begun = Array.from({ length: 50 }, () => shield.begin(login())).filter(({ ok }) => ok);
    expect(begun).toHaveLength(5);
  });

  test("what did not fail costs nothing", () => {
    const { login, passed } = createKit();
    expect(passed(500, () => login(), "succeeded")).toBe(500);
    expect(passed(500, () => login({ devices: ["x"], identity: "eve" }), "neither")).toBe(500);
    expect(passed(20, () => login({ devices: ["x"], identity: "eve" }))).toBe(5);
  });

  test("one account from many addresses: twenty, then one in thirty seconds", () => {
    const { login, passed, wait } = createKit();
    const spread = (at: number) => login({ address: `10.${at >> 8}.${at & 255}.1` });
    expect(passed(1_000, spread)).toBe(20);
    wait(300_000);
    expect(passed(1_000, spread)).toBe(10);
  });

  test("many accounts from one address: thirty failures, then one in ten seconds; a known device is its own", () => {
    const { login, attempt, passed } = createKit();
    const office = "192.0.2.1";
    expect(attempt(login({ identity: "bob", devices: ["desk"], address: office }), "succeeded")).toBe(true);
    expect(passed(200, (at) => login({ identity: `u${at}`, address: office }))).toBe(30);
    expect(attempt(login({ identity: "bob", devices: ["desk"], address: office }), "succeeded")).toBe(true);
    // A known device is no free ticket either, and known for its owner's account only.
    expect(passed(50, () => login({ identity: "bob", devices: ["desk"], address: office }))).toBe(10);
    expect(attempt(login({ identity: "ada", devices: ["desk"], address: office }), "failed")).toBe(false);
  });

  test("RL9: stuffing from everywhere turns the storm budget on; known devices still log in; it ends", () => {
    const { shield, login, attempt, passed, wait } = createKit();
    for (let i = 0; i < 20; i++) attempt(login({ identity: `owner${i}`, devices: [`d${i}`] }), "succeeded");
    let through = 0;
    for (let i = 0; i < 5_000; i++) {
      if (attempt(login({ identity: `v${i}`, address: `10.${i >> 8}.${i & 255}.9` }), "failed")) through++;
      wait(20);
    }
    expect(shield.isStorm).toBe(true);
    // A hundred or so until it is noticed, then two a second for 100 s.
    expect(through).toBeLessThan(400);
    expect(passed(20, (i) => login({ identity: `owner${i}`, devices: [`d${i}`] }), "succeeded")).toBe(20);
    wait(600_000);
    expect(shield.isStorm).toBe(false);
    expect(passed(20, (i) => login({ identity: `w${i}`, address: `10.9.${i}.9` }))).toBe(20);
  });

  test("a busy day is no storm", () => {
    const { shield, login, attempt, wait } = createKit();
    for (let i = 0; i < 5_000; i++) {
      attempt(
        login({ identity: `u${i}`, address: `10.${i >> 8}.${i & 255}.9`, devices: [`d${i}`] }),
        i % 2 ? "failed" : "succeeded",
      );
      wait(20);
    }
    expect(shield.isStorm).toBe(false);
  });

  test("RL14: five guesses a code, and a new code gives the identity no new ones", () => {
    const { login, passed, wait } = createKit();
    const guess = (otpId: string, at: number) => login({ otpId, address: `10.0.${at}.1` });
    expect(passed(20, (at) => guess("code-1", at))).toBe(5);
    // Twenty for the identity in all, whatever the code and the address.
    let more = 0;
    for (let code = 2; code < 30; code++) more += passed(20, (at) => guess(`code-${code}`, at + 20));
    expect(more).toBe(15);
    wait(60_000);
    expect(passed(20, (at) => guess("code-1", at + 60))).toBe(0);
  });

  test("codes whose identity nobody knows share a budget", () => {
    const { login, passed } = createKit();
    const stray = (at: number) =>
      login({ identity: undefined, otpId: `made-up-${at}`, address: `10.${at >> 8}.${at & 255}.1` });
    expect(passed(1_000, stray)).toBe(30);
  });

  test("mails to one identity are few, whoever asks, but for its own devices", () => {
    const { login, attempt, passed } = createKit();
    attempt(login(OWNER), "succeeded");
    const mail = (more: Partial<LoginTry>) => login({ kind: "mail", ...more });
    expect(passed(50, (at) => mail({ address: `10.0.${at}.1` }), "succeeded")).toBe(5);
    expect(attempt(mail(OWNER), "succeeded")).toBe(true);
    expect(passed(50, (at) => mail({ identity: `u${at}`, address: "192.0.2.9" }), "succeeded")).toBe(20);
  });

  test("after a crash half of the free tries are left", () => {
    const { limiter, login, passed } = createKit();
    limiter.startAtHalf();
    expect(passed(20, () => login())).toBe(2);
  });

  test("devices are forgotten after thirty days, and come back from what was saved", () => {
    const { clock, shield, login, attempt } = createKit();
    attempt(login(OWNER), "succeeded");
    const saved = shield.devices.entries();
    const other = createKit();
    other.clock.wallMs = clock.wallMs;
    other.shield.devices.restore(saved);
    expect(other.shield.devices.has("ada", "laptop")).toBe(true);
    clock.wallMs += 31 * 86_400_000;
    expect(shield.devices.has("ada", "laptop")).toBe(false);
    expect(shield.devices.entries()).toEqual([]);
  });
});

describe("EvenPace", () => {
  test("RL11: quick and slow answers leave at the same time", () => {
    const pace = new EvenPace();
    const known = [62, 58, 71, 66, 60, 90];
    const unknown = [1, 2, 1, 3, 1, 2];
    const left = known.flatMap((slow, at) => {
      const quick = unknown[at] ?? 0;
      return [slow + pace.holdMs(slow), quick + pace.holdMs(quick)];
    });
    expect(new Set(left)).toEqual(new Set([250]));
  });

  test("the slowest of late sets the pace, up to a bound, and is forgotten", () => {
    const pace = new EvenPace();
    pace.holdMs(800);
    expect(5 + pace.holdMs(5)).toBe(1_000);
    expect(900 + pace.holdMs(900)).toBe(1_000);
    pace.holdMs(60_000);
    expect(5 + pace.holdMs(5)).toBe(3_000);
    for (let i = 0; i < 70; i++) pace.holdMs(10);
    expect(5 + pace.holdMs(5)).toBe(250);
  });
});
