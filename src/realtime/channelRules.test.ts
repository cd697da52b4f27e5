// Names of channels: which patterns there may be, which names fit them, and which record they say.
import { expect, test } from "bun:test";
import { createFindChannel, isChannelPattern, readChannelAccess } from "./channelRules.ts";

const BOUNDS = { membersMax: 2, messageBytesMax: 100, messagesPerSecondMax: 5 };

test.each([
  ["lobby", true],
  ["room/{room}", true],
  ["{a}/{b}/{c}/{d}", true],
  ["a/b/c/d/e", false],
  ["{a}/{a}", false],
  ["", false],
  ["/a", false],
  ["a//b", false],
  ["a{b}", false],
  [".*", false],
  ["{__proto__}", false],
])("%j is a pattern: %p", (pattern, isOne) => {
  expect(isChannelPattern(pattern)).toBe(isOne);
});

test.each([
  ["public", { kind: "public" }],
  ["auth", { kind: "auth" }],
  ["posts/{id}", { kind: "record", collection: "posts", parameter: "id" }],
  ["posts/{other}", undefined],
  ["posts/../{id}", undefined],
  ["posts", undefined],
  ["Public", undefined],
])("%j may be what it takes", (text, access) => {
  expect(readChannelAccess(text, "doc/{id}")).toEqual(access as never);
});

const find = createFindChannel([
  { pattern: "doc/lobby", access: { kind: "public" }, ...BOUNDS },
  { pattern: "doc/{id}", access: { kind: "record", collection: "posts", parameter: "id" }, ...BOUNDS },
  {
    pattern: "{team}/{id}/chat",
    access: { kind: "record", collection: "posts", parameter: "id" },
    ...BOUNDS,
  },
]);

test.each([
  ["doc/lobby", "doc/lobby", undefined],
  ["doc/x1", "doc/{id}", "/api/collections/posts/records/x1"],
  ["red/x2/chat", "{team}/{id}/chat", "/api/collections/posts/records/x2"],
  ["doc/x/y", undefined, undefined],
  ["doc/", undefined, undefined],
  ["doc/..", undefined, undefined],
  ["doc/%2e%2e", undefined, undefined],
  ["doc/x\n", undefined, undefined],
  ["doc/x?fields=a", undefined, undefined],
  [`doc/${"x".repeat(65)}`, undefined, undefined],
  ["constructor", undefined, undefined],
])("%j is %j, of the record %j", (name, pattern, recordPath) => {
  const place = find(name);
  expect([place?.rule.pattern, place?.recordPath]).toEqual([pattern, recordPath]);
});
