import { expect, test } from "bun:test";
import { DAY, HOUR, LAPTOP, MINUTE, SECOND, startSessions } from "../../tests/support/sessionKit.ts";
import type { ProbeAnswer } from "./probes.ts";

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

test("UT5: many sessions of one record are asked about once each, a few at a time", async () => {
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
  await Promise.all(Array.from({ length: 200 }, () => kit.login()));
  await kit.sessions.checkRecord(SUBJECT);
  expect([probes, most, running]).toEqual([200, 4, 0]);
});

test("a probe that brings a newer upstream token replaces the old one and moves its end", async () => {
  using kit = startSessions({
    probe: () =>
      Promise.resolve({ kind: "alive", upstream: { token: "newer", expMs: kit.clock.now() + DAY } }),
  });
  const token = await kit.login({ upstream: { token: "older", expMs: kit.clock.now() + HOUR } });
  const verdict = await kit.sessions.resolve(token, LAPTOP);
  if (verdict.kind !== "live") throw new Error(verdict.kind);
  expect(kit.sessions.upstreamToken(verdict.session)).toBe("older");
  await kit.sessions.checkRecord(SUBJECT);
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
