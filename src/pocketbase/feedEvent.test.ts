// Messages of the realtime stream, well formed and not, and the pauses and sets beside them.
import { expect, test } from "bun:test";
import { parseFeedEvent, textMember, topicOf } from "./feedEvent.ts";
import { FEED_TIMES } from "./feedOptions.ts";
import { backOffMs } from "./feedPauses.ts";
import { FeedSets } from "./feedSets.ts";
import { SuperuserError } from "./superuserError.ts";

const data = (value: unknown): string => JSON.stringify(value);

test("parseFeedEvent reads a change with its whole record, under its collection's id", () => {
  const record = { id: "r1", collectionId: "pbc_1", name: "x" };
  const text = data({ record, action: "update" });
  const event = parseFeedEvent(topicOf("pbc_1"), text);
  expect(event).toEqual({ collectionId: "pbc_1", action: "update", recordId: "r1", record, text });
});

test.each([
  ["pbc_1", { record: { id: "r1" }, action: "create" }],
  ["pbc_1/*", { record: { id: "r1" }, action: "created" }],
  ["pbc_1/*", { record: { id: 7 }, action: "create" }],
  ["pbc_1/*", { record: null, action: "delete" }],
  ["pbc_1/*", "text"],
])("parseFeedEvent takes nothing that PocketBase would not send: %p %p", (topic, value) => {
  expect(parseFeedEvent(topic, data(value))).toBeUndefined();
});

test("parseFeedEvent and textMember take broken JSON for nothing", () => {
  expect(parseFeedEvent("pbc_1/*", '{"record":')).toBeUndefined();
  expect(textMember("{", "code")).toBeUndefined();
  expect(textMember('{"code":1}', "code")).toBeUndefined();
  expect(textMember('{"code":"a"}', "code")).toBe("a");
});

test("backOffMs doubles up to its bound, and is long when a person has to help", () => {
  const away = new SuperuserError("unreachable", "away");
  const pauses = [1, 2, 3, 9, 5_000].map((failures) => backOffMs(FEED_TIMES, away, failures));
  expect(pauses).toEqual([100, 200, 400, 2_000, 2_000]);
  expect(backOffMs(FEED_TIMES, new Error("odd"), 1)).toBe(100);
  expect(backOffMs(FEED_TIMES, new SuperuserError("credentials", "no"), 1)).toBe(30_000);
});

test("FeedSets settles those who wait when their set or a later one is in force", async () => {
  const sets = new FeedSets();
  expect([sets.wanted, sets.isBehind]).toEqual([0, false]);
  const done: number[] = [];
  const waits = [sets.ask().then(() => done.push(1)), sets.ask().then(() => done.push(2))];
  sets.putInForce(1);
  await waits[0];
  expect([done, sets.isBehind]).toEqual([[1], true]);
  sets.putInForce(2);
  await Promise.all(waits);
  expect([done, sets.isBehind]).toEqual([[1, 2], false]);
});
