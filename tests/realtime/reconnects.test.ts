// Two hundred returns with a real PocketBase: nothing is lost and nothing repeated. And a server through churn: its memory
// stays what it was. The long forms, and 1,000 returns, are in tests/slow/realtime.test.ts.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Pair, START_MS } from "../sessions/support.ts";
import { churn, expectWhole, returnsOfFour, startReturnPair } from "./reconnects.ts";
import { rssOf } from "./support.ts";

setDefaultTimeout(60_000);
let pair: Pair;
beforeAll(async () => {
  pair = await startReturnPair();
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

test("200 returns of a guest and three members: the events of a direct subscriber, each as often", async () => {
  expectWhole(await returnsOfFour(pair, 50));
});

test("memory stays through clients that come and go, each with topics of its own", async () => {
  await churn(pair, 60);
  const before = rssOf(pair);
  await churn(pair, 120);
  expect(rssOf(pair) - before).toBeLessThan(30_000);
});
