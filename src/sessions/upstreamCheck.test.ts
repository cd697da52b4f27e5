import { expect, test } from "bun:test";
import { DAY, HOUR, kindOf, LAPTOP, MINUTE, SECOND, startSessions } from "../../tests/support/sessionKit.ts";
import type { ProbeAnswer } from "./probes.ts";
import { systemClock } from "./sources.ts";

const SUBJECT = { cid: "pbc_users", uid: "user00000000001" };

test("UT1: after a write to a record its dead sessions are ended before the promise resolves", async () => {
  const asked: string[] = [];
  using kit = startSessions({
    probe: (token) => {
      asked.push(token);
      return Promise.resolve({ kind: token === "new" ? "alive" : "dead" } as const);
    },
  });
  const expMs = kit.clock.now() + DAY;
  const old = [
    await kit.login({ upstream: { token: "old1", expMs } }),
    await kit.login({ upstream: { token: "old2", expMs } }),
  ];
  const fresh = await kit.login({ upstream: { token: "new", expMs } });
  const foreign = await kit.login({ uid: "user00000000002", upstream: { token: "other", expMs } });
  await kit.sessions.checkRecord(SUBJECT);
  for (const token of old)
    expect(kit.sessions.resolve(token, LAPTOP)).toEqual({ kind: "revoked", reason: "upstream_rejected" });
  for (const token of [fresh, foreign])
    expect(kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
  expect(asked.sort()).toEqual(["new", "old1", "old2"]);
});

test("UT2: without a feed a session is asked about at five minutes of age at the latest, and the request waits", async () => {
  let answer: ProbeAnswer = { kind: "alive" };
  let probes = 0;
  using kit = startSessions({
    probe: () => {
      probes++;
      return Promise.resolve(answer);
    },
  });
  const token = await kit.login();
  for (let minute = 0; minute < 3; minute++) {
    await kit.sessions.resolve(token, LAPTOP);
    kit.clock.advance(50 * SECOND);
  }
  expect(probes).toBe(0);
  kit.clock.advance(5 * MINUTE);
  expect(await kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
  expect(probes).toBe(1);
  kit.clock.advance(4 * MINUTE);
  // Not yet due for certain: asked beside the request.
  expect(kit.sessions.resolve(token, LAPTOP)).not.toBeInstanceOf(Promise);
  await new Promise((resolve) => setImmediate(resolve));
  expect(probes).toBe(2);
  answer = { kind: "dead" };
  kit.clock.advance(6 * MINUTE);
  expect(await kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "revoked" });
});

test("UT4: PocketBase being down or failing never ends a session", async () => {
  let mode: "unknown" | "throw" = "unknown";
  let probes = 0;
  using kit = startSessions({
    probe: () => {
      probes++;
      return mode === "throw"
        ? Promise.reject(new Error("ECONNREFUSED"))
        : Promise.resolve({ kind: "unknown" } as const);
    },
  });
  const token = await kit.login();
  kit.clock.advance(10 * MINUTE);
  for (let at = 0; at < 60; at++) {
    mode = at % 2 === 0 ? "throw" : "unknown";
    expect(await kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
    kit.clock.advance(2 * SECOND);
  }
  await kit.sessions.checkRecord(SUBJECT);
  expect(await kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
  // Two minutes of requests: asked every ten seconds, not by each of them.
  expect(probes).toBeLessThan(16);
});

test("UT5: 500 sessions of one record due at once: one question each, a few at a time, whoever asks", async () => {
  let [running, most, probes] = [0, 0, 0];
  using kit = startSessions({
    probesMax: 4,
    limits: { record: { idleMs: DAY, absoluteMs: DAY, perRecordMax: 500 } },
    probe: async () => {
      probes++;
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { kind: "alive" };
    },
  });
  const tokens = await Promise.all(Array.from({ length: 500 }, () => kit.login()));
  kit.clock.advance(6 * MINUTE);
  // Three requests with each token, and a write to the record, all at the same moment.
  const verdicts = [...tokens, ...tokens, ...tokens].map((token) => kit.sessions.resolve(token, LAPTOP));
  const [found] = await Promise.all([Promise.all(verdicts), kit.sessions.checkRecord(SUBJECT)]);
  expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["live"]));
  expect([probes, most, running]).toEqual([500, 4, 0]);
});

test("a probe that brings a newer upstream token replaces the old one and moves its end", async () => {
  const depths: string[] = [];
  using kit = startSessions({
    probe: (_, depth) => {
      depths.push(depth);
      return Promise.resolve({ kind: "alive", upstream: { token: "newer", expMs: kit.clock.now() + DAY } });
    },
  });
  const token = await kit.login({ upstream: { token: "older", expMs: kit.clock.now() + HOUR } });
  const verdict = await kit.sessions.resolve(token, LAPTOP);
  if (verdict.kind !== "live") throw new Error(verdict.kind);
  // After a write only the token is asked about: code that writes at each login renewal is not called again and again.
  await kit.sessions.checkRecord(SUBJECT);
  expect(kit.sessions.upstreamToken(verdict.session)).toBe("older");
  kit.clock.advance(5 * MINUTE);
  expect(await kindOf(kit, token)).toBe("live");
  expect(depths).toEqual(["token", "login"]);
  expect(kit.sessions.upstreamToken(verdict.session)).toBe("newer");
  kit.restart();
  expect(kit.sessions.upstreamToken(verdict.session)).toBe("newer");
});

test("UT1: a check after a write does not take the answer of one that was asked before it", async () => {
  const answers: ((answer: ProbeAnswer) => void)[] = [];
  using kit = startSessions({ probe: () => new Promise((resolve) => answers.push(resolve)) });
  const token = await kit.login();
  const before = kit.sessions.checkRecord(SUBJECT);
  await new Promise((resolve) => setImmediate(resolve));
  const after = [kit.sessions.checkRecord(SUBJECT), kit.sessions.checkRecord(SUBJECT)];
  answers[0]?.({ kind: "alive" });
  await before;
  await new Promise((resolve) => setImmediate(resolve));
  // Both later callers share one new question.
  expect(answers).toHaveLength(2);
  answers[1]?.({ kind: "dead" });
  await Promise.all(after);
  expect(kit.sessions.resolve(token, LAPTOP)).toMatchObject({ kind: "revoked" });
});

test("UT3: after a change of a collection each of its sessions is asked about before its next use, also after a restart", async () => {
  let asked: string[] = [];
  const probe = (token: string): Promise<ProbeAnswer> => {
    asked.push(token);
    return Promise.resolve({ kind: token === "dead" ? "dead" : "alive" });
  };
  using kit = startSessions({ probe });
  const expMs = kit.clock.now() + DAY;
  const [dead, alive] = [
    await kit.login({ upstream: { token: "dead", expMs } }),
    await kit.login({ uid: "user00000000002", upstream: { token: "alive", expMs } }),
  ];
  const foreign = await kit.login({ cid: "pbc_others", upstream: { token: "foreign", expMs } });
  for (const token of [dead, alive, foreign]) await kit.sessions.resolve(token, LAPTOP);
  // The process ends before a sweep got anywhere.
  kit.sessions.checkCollection("pbc_users").catch(() => undefined);
  kit.clock.advance(SECOND);
  kit.restart();
  asked = [];
  expect(kit.sessions.resolve(foreign, LAPTOP)).toMatchObject({ kind: "live" });
  expect(asked).toEqual([]);
  expect(await kit.sessions.resolve(dead, LAPTOP)).toMatchObject({ kind: "revoked" });
  expect(await kit.sessions.resolve(alive, LAPTOP)).toMatchObject({ kind: "live" });
  expect(asked).toEqual(["dead", "alive"]);
  expect(kit.sessions.resolve(alive, LAPTOP)).toMatchObject({ kind: "live" });
  expect(asked.length).toBe(2);
});

test("UT3: another process hears of a changed collection", async () => {
  const probe = (): Promise<ProbeAnswer> => Promise.resolve({ kind: "dead" });
  using kit = startSessions({ probe });
  const other = kit.other();
  const token = await kit.login();
  expect(other.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
  await kit.sessions.checkCollection("pbc_users");
  kit.clock.advance(SECOND);
  expect(await other.resolve(token, LAPTOP)).toMatchObject({ kind: "revoked" });
});

test("UT3: a login under way while its collection changes is asked about", async () => {
  let probes = 0;
  using kit = startSessions({
    probe: () => {
      probes++;
      return Promise.resolve({ kind: "dead" });
    },
  });
  const askedMs = kit.clock.now();
  kit.clock.advance(SECOND);
  await kit.sessions.checkCollection("pbc_users");
  kit.clock.advance(SECOND);
  const [late, later] = [await kit.login({ authTimeMs: askedMs }), await kit.login()];
  expect(await kit.sessions.resolve(later, LAPTOP)).toMatchObject({ kind: "live" });
  expect(await kit.sessions.resolve(late, LAPTOP)).toMatchObject({ kind: "revoked" });
  expect(probes).toBe(1);
});

test("UT3: unused sessions are swept in the background, few at once, without a limit of number", async () => {
  let [running, most] = [0, 0];
  const asked = new Map<string, number>();
  using kit = startSessions({
    clock: systemClock,
    probe: async (token) => {
      asked.set(token, (asked.get(token) ?? 0) + 1);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { kind: Number(token) % 2 === 0 ? "alive" : "dead" };
    },
  });
  const expMs = Date.now() + DAY;
  const login = (_: unknown, at: number): Promise<string> =>
    kit.login({ uid: `user${at % 700}`, upstream: { token: String(at), expMs }, authTimeMs: Date.now() });
  await Promise.all(Array.from({ length: 1_500 }, login));
  const { swept } = await kit.sessions.checkCollection("pbc_users");
  expect(await swept).toBe(1_500);
  expect([asked.size, Math.max(...asked.values()), most <= 8, running]).toEqual([1_500, 1, true, 0]);
  expect(kit.sessions.list({ cid: "pbc_users", uid: "" }).length).toBe(750);
}, 120_000);
