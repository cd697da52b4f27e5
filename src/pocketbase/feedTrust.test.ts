// How far a stream is relied on, with a clock of the test's own.
import { expect, test } from "bun:test";
import { FEED_TIMES } from "./feedOptions.ts";
import { FeedTrust } from "./feedTrust.ts";

const createTrust = () => {
  const clock = { nowMs: 1_000, now: () => clock.nowMs, after: () => () => undefined };
  const stream = { heardMs: Number.NEGATIVE_INFINITY };
  return { clock, stream, trust: new FeedTrust(clock, FEED_TIMES) };
};

test("FeedTrust trusts nothing before a message, then for trustMs", () => {
  const { clock, stream, trust } = createTrust();
  expect(trust.isTrusted(stream)).toBe(false);
  stream.heardMs = clock.nowMs;
  expect(trust.isTrusted(stream)).toBe(true);
  clock.nowMs += FEED_TIMES.trustMs - 1;
  expect(trust.isTrusted(stream)).toBe(true);
  clock.nowMs += 1;
  expect(trust.isTrusted(stream)).toBe(false);
});

test("FeedTrust wants a proof only when somebody has asked since the last message", () => {
  const { clock, stream, trust } = createTrust();
  stream.heardMs = clock.nowMs;
  clock.nowMs += 60_000;
  expect(trust.isProofDue(stream)).toBe(false);
  expect(trust.ask(stream)).toBe(true);
  stream.heardMs = clock.nowMs;
  clock.nowMs += FEED_TIMES.proveEveryMs - 1;
  expect(trust.ask(stream)).toBe(false);
  clock.nowMs += 1;
  expect(trust.isProofDue(stream)).toBe(true);
});

test("FeedTrust keeps a doubt after silence until a message, though PocketBase answers again", () => {
  const { clock, stream, trust } = createTrust();
  stream.heardMs = clock.nowMs;
  clock.nowMs += 10;
  trust.hear(true);
  expect([trust.isSilent, trust.isTrusted(stream)]).toEqual([true, false]);
  clock.nowMs += 10;
  trust.hear(false);
  expect([trust.isSilent, trust.isTrusted(stream), trust.isProofDue(stream)]).toEqual([false, false, true]);
  stream.heardMs = clock.nowMs;
  expect([trust.isTrusted(stream), trust.isProofDue(stream)]).toEqual([true, false]);
});
