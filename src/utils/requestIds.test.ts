// Ids of requests: none comes twice, whoever makes them.
import { expect, test } from "bun:test";
import { createRequestIds } from "./requestIds.ts";

test("no two ids are the same, of one maker or of two", () => {
  const makers = [createRequestIds(), createRequestIds()];
  const ids = makers.flatMap((next) => Array.from({ length: 50_000 }, next));
  expect(new Set(ids).size).toBe(100_000);
  for (const id of ids) if (!/^[0-9a-f]{12}[0-9a-z]{3,5}$/.test(id)) throw new Error(id);
});
