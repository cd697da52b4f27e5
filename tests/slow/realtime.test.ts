// A thousand returns with a real PocketBase, without a loss or a repetition; ten minutes of clients that come and go while records are written: memory stays flat.
import { expect, test } from "bun:test";
import { churn, expectWhole, returnsOfFour, startReturnPair } from "../realtime/reconnects.ts";
import { asRoot, listen, rssOf } from "../realtime/support.ts";
import { ADA, BEN, call, login, START_MS, startPair } from "../sessions/support.ts";
import type { EventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";

const SOAK_MS = Number(process.env["HAPTA_SOAK_MS"] ?? 600_000);
const ROUNDS = 100;

test.each(["PocketBase", "Hapta"])(
  "1,000 returns, %s decides: the events of a direct subscriber, each as often",
  async (decider) => {
    await using pair = await startReturnPair(decider === "Hapta");
    expectWhole(await returnsOfFour(pair, 250));
  },
  180_000,
);

test("RE3: of 1,000 writes for each of two users, both hear their own, each once", async () => {
  await using pair = await startReturnPair();
  const topics = ["rt_owner/*"];
  using ada = await listen(pair.url, { token: await login(pair.url, ADA), topics });
  using ben = await listen(pair.url, { token: await login(pair.url, BEN), topics });
  const request = (n: number) => ({
    method: "POST",
    url: "/api/collections/rt_owner/records",
    body: { title: `re3-${n}-`, owner: n % 2 === 0 ? IDS.ada : IDS.ben },
  });
  for (let n = 0; n < 2_000; n += 50)
    await asRoot(pair)("POST", "/api/batch", {
      requests: Array.from({ length: 50 }, (_, i) => request(n + i)),
    });
  const told = ({ text }: EventStream): number[] =>
    Array.from(text().matchAll(/re3-(\d+)-/g), ([, n]) => Number(n)).sort((a, b) => a - b);
  for (const [first, stream] of [ada, ben].entries()) {
    await eventually(() => told(stream).length >= 1_000, 10_000);
    expect(told(stream)).toEqual(Array.from({ length: 1_000 }, (_, n) => 2 * n + first));
  }
}, 120_000);

test(
  "soak: after the first fifth of the time, memory grows by less than 32 MB",
  async () => {
    // As before an embedded PocketBase: topics with options are told on streams, the others from the change feed.
    const config = { Realtime: { Decide: true }, ratelimit: { isEnabled: false } };
    await using pair = await startPair({ config });
    // RE11: nothing ever comes on it, for longer than PocketBase lets a stream be.
    using quiet = await listen(pair.url, { topics: ["members/nobody"] });
    const startMs = performance.now();
    const passedMs = (): number => performance.now() - startMs;
    const samples: number[] = [];
    while (passedMs() < SOAK_MS) {
      await churn(pair, ROUNDS);
      const title = `soak ${samples.length}`.padEnd(2_000, "x");
      for (let n = 0; n < ROUNDS; n++)
        await call(pair.url, { path: "/api/collections/notices/records", json: { title } });
      if (passedMs() > SOAK_MS / 5) samples.push(rssOf(pair));
    }
    expect(quiet.isOpen()).toBe(true);
    expect(quiet.text()).toContain("\n:\n");
    const [first = 0] = samples;
    expect(samples.length).toBeGreaterThan(3);
    const grown = (samples.at(-1) ?? 0) - first;
    expect({ samples, isFlat: grown < 32_000 }).toEqual({ samples, isFlat: true });
  },
  SOAK_MS + START_MS,
);
