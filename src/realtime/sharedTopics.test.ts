// Lists of topics that are the same for many clients.
import { expect, test } from "bun:test";
import { createSharedTopics } from "./sharedTopics.ts";

test("equal short lists are one, others stay their own, and what is remembered is bounded", () => {
  const share = createSharedTopics();
  const first = share(["a/*", "b/*"]);
  expect(share(["a/*", "b/*"])).toBe(first);
  expect(share(["b/*", "a/*"])).not.toBe(first);
  expect(share(["a/*"])).toEqual(["a/*"]);
  const long = ["a", "b", "c", "d", "e"];
  expect(share([...long])).not.toBe(share([...long]));
  for (let i = 0; i < 2_000; i++) share([`t${i}`]);
  const again = share(["a/*", "b/*"]);
  expect(again).toEqual(first);
  expect(again).not.toBe(first);
});
