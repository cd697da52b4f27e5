// What a rule's verdict hangs on, for telling somebody once more what they were told.
import { expect, test } from "bun:test";
import { lastingOf } from "./lasting.ts";

test.each([
  ["", "caller"],
  ["@request.auth.id != ''", "caller"],
  ["@request.auth.collectionName = 'members'", "caller"],
  ["owner = @request.auth.id", "record"],
  ["flag = true && (owner ?= @request.auth.id || open = 1)", "record"],
  ["@request.auth.role = 'admin'", "others"],
  ["@request.auth.team.owner = owner", "others"],
  ["parent.flag = true", "others"],
  ["members.id ?= @request.auth.id", "others"],
  ["tags:length > 1", "others"],
  ["comments_via_post.author = @request.auth.id", "others"],
  ["@collection.keys.owner = @request.auth.id", "others"],
  ["created > @now", "others"],
  ["@request.query.key = 'k'", "unknown"],
  ["@request.headers.x_token = 'k' || owner = @request.auth.id", "unknown"],
  ["@request.context = 'realtime'", "unknown"],
  ["@request.method = 'GET'", "unknown"],
  ["owner = ", "unknown"],
  [null, "unknown"],
] as const)("lastingOf %p is %p", (rule, lasting) => {
  expect(lastingOf(rule)).toBe(lasting);
});
