// Bodies of subscriptions: what Hapta refuses, PocketBase refuses with the same whole answer.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Call, expectAlike, type Pair, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair[Symbol.asyncDispose]());

const post = (json: unknown): Call => ({ method: "POST", path: "/api/realtime", json });
const long = (length: number): string => "x".repeat(length);

const REFUSED: readonly [string, unknown][] = [
  ["no client", {}],
  ["an empty client", { clientId: "", subscriptions: ["notices/*"] }],
  ["a client of 256 bytes", { clientId: long(256) }],
  ["a client that is none", { clientId: 5 }],
  ["topics that are none", { clientId: "a", subscriptions: "notices/*" }],
  ["1,001 topics", { clientId: "a", subscriptions: Array.from({ length: 1_001 }, (_, at) => `t${at}`) }],
  ["a topic of 2,501 bytes", { clientId: "a", subscriptions: ["a", long(2_501)] }],
  ["a client and topics that are wrong", { clientId: long(300), subscriptions: [long(2_501), long(2_502)] }],
];

for (const [name, json] of REFUSED)
  test(`${name}: PocketBase's whole answer`, () => expectAlike(pair, post(json), "subscription_invalid"));

test("an unknown client: PocketBase's whole answer", async () => {
  const told = await expectAlike(
    pair,
    post({ clientId: "nobody", subscriptions: ["notices/*"] }),
    "not_found",
  );
  expect(told.status).toBe(404);
});

test("other bodies: PocketBase's status", async () => {
  for (const json of ["[]", '"x"', "{"]) {
    const [direct, through] = [await pair.direct(post(json)), await pair.through(post(json))];
    expect([json, through.status]).toEqual([json, direct.status]);
  }
});
