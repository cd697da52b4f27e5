// A sign-up costs PocketBase a password hash, as a login does, and weighs as much: alone, in a batch, however its collection
// is called.
import { expect, setDefaultTimeout, test } from "bun:test";
import { type Call, call, START_MS, startPair } from "../sessions/support.ts";
import { headOf } from "../support/wireReader.ts";

setDefaultTimeout(2 * START_MS);

const MEMBERS = "/api/collections/members/records";
const batchOf = (method: string): Call => ({
  path: "/api/batch",
  json: { requests: [{ method, url: MEMBERS, body: {} }] },
});

test("sign-ups weigh five, other writes one", async () => {
  const ratelimit = { isEnabled: true, Max: 100, Duration: 86_400_000, IP: true };
  await using pair = await startPair({ config: { ratelimit } });
  let left = 100;
  const weightOf = async (asked: Call): Promise<number> => {
    const said = headOf(await call(pair.url, asked), "ratelimit") ?? "";
    const before = left;
    left = Number(/r=(\d+)/.exec(said)?.[1]);
    return before - left;
  };
  const weights = [
    await weightOf({ path: MEMBERS, json: {} }),
    await weightOf({ path: "/api/collections/pbc_members0001/records", json: {} }),
    await weightOf({ path: "/api/collections/MEMBERS/records", json: {} }),
    await weightOf(batchOf("POST")),
    await weightOf(batchOf("PUT")),
    await weightOf({ path: "/api/collections/articles/records", json: {} }),
    await weightOf({ path: `${MEMBERS}/memberada000001`, method: "PATCH", json: {} }),
  ];
  expect(weights).toEqual([5, 5, 5, 5, 5, 1, 1]);
});
