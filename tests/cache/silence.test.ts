// A feed that is cut or falls silent closes the cache in time, with the default times and a real PocketBase behind a
// proxy that swallows bytes.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { startOwnClock } from "../support/ownTime.ts";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const NOTICE = "notices/records/notice000000004";

/**
 * Reads without a pause from now on until `untilMs` have passed. @returns when the last read that was a hit began, in ms:
 * how long its answer took to come says nothing of when it was given.
 */
const lastHitWithin = async (untilMs: number): Promise<number> => {
  using clock = startOwnClock();
  const endsAtMs = performance.now() + untilMs;
  let lastMs = 0;
  for (let atMs = 0; performance.now() < endsAtMs; atMs = clock.ms()) {
    const { cache } = await kit.read(NOTICE);
    if (cache === "hit") lastMs = atMs;
    else await Bun.sleep(5);
  }
  return lastMs;
};

/** Changes the notice past Hapta, where nobody hears of it, and expects the new value from then on. */
const expectClosed = async (title: string): Promise<void> => {
  await kit.behind(`PATCH collections/${NOTICE}`, { title });
  const { text, cacheStatus } = await kit.read(NOTICE);
  expect(cacheStatus).toBe("hapta; fwd=bypass; detail=feed");
  expect(text).toContain(title);
};

describe("the cache", () => {
  test.each([
    ["every stream, old and new", 3_000, () => kit.relay.silenceFeed()],
    // Three seconds after a proof was begun a new stream takes over, and the feed is proven again.
    ["the streams there are, and no new ones", 2_400, () => kit.relay.swallow()],
  ])("gives nothing 2 s after the proxy has swallowed %s", async (what, untilMs, silence) => {
    await kit.warm(NOTICE);
    silence();
    expect(await lastHitWithin(untilMs)).toBeLessThan(2_000);
    if (what.startsWith("every")) await expectClosed("Nobody heard this");
    kit.relay.heal();
    await kit.behind(`PATCH collections/${NOTICE}`, { title: `After ${what}` });
    await eventually(async () => (await kit.warm(NOTICE)).text.includes(`After ${what}`), 10_000);
  });

  test("gives nothing 500 ms after the feed was cut", async () => {
    await kit.warm(NOTICE);
    kit.relay.cutFeed();
    expect(await lastHitWithin(1_000)).toBeLessThan(500);
    await expectClosed("While it was cut");
    kit.relay.heal();
    expect((await kit.warm(NOTICE)).text).toContain("While it was cut");
  });

  test("is not closed by a quiet time: who comes first afterwards waits a moment for the proof", async () => {
    await kit.warm(NOTICE);
    // The moment is short: on a busy machine the proof may miss it, but not every time.
    const seen: (string | undefined)[] = [];
    while (seen.length < 5 && seen.at(-1) !== "hapta; hit") {
      await Bun.sleep(3_000);
      seen.push((await kit.read(NOTICE)).cacheStatus);
    }
    expect(seen.at(-1)).toBe("hapta; hit");
  });
});
