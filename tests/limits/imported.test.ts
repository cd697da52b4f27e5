// PocketBase's own rate-limit rules, taken over from a real one at the start.
import { expect, setDefaultTimeout, test } from "bun:test";
import { call, login, ROOT, startPair } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { startHapta } from "../support/hapta.ts";
import { headOf } from "../support/wireReader.ts";

setDefaultTimeout(60_000);

const LIMITS = { Max: 100_000, Duration: 60_000, IP: true, isEnabled: true, Message: "Slow down." };
const LIST = "/api/collections/notices/records";

test("count in Hapta, unless the user has written rules", async () => {
  await using pair = await startPair({ config: { ratelimit: LIMITS } });
  expect(headOf(await call(pair.url, { path: LIST }), "ratelimit-policy")).toBe('"default";q=100000;w=60');
  const token = await login(pair.url, ROOT);
  const rateLimits = {
    enabled: true,
    rules: [
      { label: "*:auth", audience: "", duration: 3, maxRequests: 20 },
      { label: "notices:list", audience: "@guest", duration: 600, maxRequests: 4 },
      { label: "/api/", audience: "", duration: 10, maxRequests: 300 },
    ],
  };
  const patched = await call(pair.url, {
    method: "PATCH",
    path: "/api/settings",
    token,
    headers: [["Content-Type", "application/json"]],
    body: JSON.stringify({ rateLimits }),
  });
  expect(patched.status).toBe(200);

  const ask = async (url: string, path: string) => await call(url, { path });
  await using importing = await startHapta(pair.pb, { config: { ratelimit: LIMITS } });
  await eventually(async () => {
    const policy = headOf(await ask(importing.url, "/api/collections/other/records"), "ratelimit-policy");
    return policy?.includes("pocketbase-2") === true;
  }, 5_000);
  const answers = [];
  for (let i = 0; i < 6; i++) answers.push(await ask(importing.url, LIST));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429]);
  expect(headOf(answers[4] ?? answers[0] ?? patched, "x-hapta-error")).toBe("rate_limited");
  await eventually(() => importing.child.output().includes("its own limiter is no longer needed"), 5_000);

  const Rules = [{ Name: "mine", Max: 2000 }];
  await using own = await startHapta(pair.pb, { config: { ratelimit: { ...LIMITS, Rules } } });
  expect(headOf(await ask(own.url, "/api/collections/other/records"), "ratelimit-policy")).toBe(
    '"default";q=100000;w=60, "mine";q=2000;w=60',
  );
});
