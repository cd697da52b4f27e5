// Security.Sessions reaches the sessions: how many a record has, and how long a token of theirs lasts.
import { expect, setDefaultTimeout, test } from "bun:test";
import { ADA, BEN, login, payloadOf, ROOT, refreshed, START_MS, startPair } from "./support.ts";

setDefaultTimeout(START_MS);

const CONFIG = {
  Security: {
    Sessions: { MaxPerUser: 2, Idle: 600, Absolute: 900, SuperuserIdle: 60, SuperuserAbsolute: 120 },
  },
};

test("a login over the limit lets the record's least recently used session run out, and nobody else's", async () => {
  await using pair = await startPair({ config: CONFIG });
  const ben = await login(pair.url, BEN);
  const [first, second, third] = [
    await login(pair.url, ADA),
    await login(pair.url, ADA),
    await login(pair.url, ADA),
  ];
  // What runs out is not renewed: it gets its own token back.
  expect(await refreshed(pair.url, first)).toBe(first);
  for (const token of [second, third, ben]) expect(await refreshed(pair.url, token)).not.toBe(token);
  const lasts = (token: string): number => {
    const { exp, iat } = payloadOf(token);
    return Number(exp) - Number(iat);
  };
  expect([lasts(ben), lasts(await login(pair.url, ROOT))]).toEqual([900, 120]);
});
