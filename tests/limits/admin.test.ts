// The admin API over limits, the examples of docs/limits.md, reloading, and what survives a restart.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ADMIN_KEY, ask, askJson, sharedPairWithKey } from "../control/support.ts";
import { ADA, BEN, call, login, payloadOf, verdictOf } from "../sessions/support.ts";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { startHapta } from "../support/hapta.ts";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { countOf, repeat } from "./support.ts";

const LIMITS = { Max: 20, Duration: 3_600_000, IP: false, isEnabled: true, Message: "Slow down." };
const LIST = "/api/collections/notices/records";
const FROM = (address: string) => [["X-Forwarded-For", address]] as const;

const pair = sharedPairWithKey({ config: { ratelimit: LIMITS, Network: { TrustedProxies: ["loopback"] } } });

const statuses = async (count: number, address: string, token?: string): Promise<number[]> => {
  const all: number[] = [];
  for (let i = 0; i < count; i++)
    all.push((await call(pair.url, { path: LIST, headers: FROM(address), token })).status);
  return all;
};

interface Caller {
  readonly rules: readonly { readonly rule: string; readonly left: number }[];
  readonly ban?: { readonly reason: string };
}

describe("the admin API", () => {
  test("shows what is in force, what is left and who asks the most; gives back", async () => {
    expect(countOf(await statuses(25, "203.0.113.1"), 200)).toBe(20);
    const overview = await askJson<{ rules: { name: string; refused: number }[] }>(pair.url, "/hapta/limits");
    expect(overview.rules[0]).toMatchObject({ name: "default", refused: 5, max: 20, by: ["user"] });
    const place = "/hapta/limits/caller?address=203.0.113.1";
    expect((await askJson<Caller>(pair.url, place)).rules).toMatchObject([
      { rule: "default", left: 0 },
      { rule: "login:address", left: 30 },
      { rule: "login:mailAddress", left: 20 },
      { rule: "refused-bodies", left: 60 },
    ]);
    const { items } = await askJson<{ items: { name: string }[] }>(pair.url, "/hapta/limits/top");
    expect(items.map(({ name }) => name)).toContain("203.0.113.1");
    expect((await ask(pair.url, place, { method: "DELETE" })).status).toBe(204);
    expect(await statuses(2, "203.0.113.1")).toEqual([200, 200]);
  });

  test("bans an address and a user; whoever is asked says no until it is lifted", async () => {
    const ban = (body: unknown) =>
      ask(pair.url, "/hapta/limits/bans", {
        method: "POST",
        headers: [["Content-Type", "application/json"]],
        body: JSON.stringify(body),
      });
    expect((await ban({ address: "2001:db8:9::1", seconds: 60, reason: "spam" })).status).toBe(200);
    const banned = await call(pair.url, { path: LIST, headers: FROM("2001:db8:9::77") });
    expect(verdictOf(banned)).toBe("403 banned");
    const tried = await call(pair.url, {
      method: "POST",
      path: "/api/collections/members/auth-with-password",
      headers: [...FROM("2001:db8:9::77"), ["Content-Type", "application/json"]],
      body: "{}",
    });
    expect(verdictOf(tried)).toBe("403 banned");
    expect(await statuses(1, "2001:db8:10::1")).toEqual([200]);

    const token = await login(pair.url, ADA);
    const { record } = JSON.parse((await call(pair.url, { path: "/auth/verify", token })).text);
    expect((await ban({ collection: "members", user: record.id, seconds: 60 })).status).toBe(200);
    expect(await statuses(1, "203.0.113.2", token)).toEqual([403]);
    expect(await statuses(1, "203.0.113.2")).toEqual([200]);
    const { items } = await askJson<{ items: unknown[] }>(pair.url, "/hapta/limits/bans");
    expect(items).toHaveLength(2);
    const place = `/hapta/limits/bans?collection=members&user=${record.id}`;
    expect((await ask(pair.url, place, { method: "DELETE" })).status).toBe(204);
    expect((await ask(pair.url, place, { method: "DELETE" })).status).toBe(404);
    expect(await statuses(1, "203.0.113.2", token)).toEqual([200]);

    const odd = [
      {},
      { address: "x", seconds: 1 },
      { user: "u", seconds: 1 },
      { address: "1.2.3.4", seconds: 0 },
    ];
    for (const body of odd) expect(verdictOf(await ban(body))).toBe("400 input_invalid");
    const events = await askJson<{ items: { detail?: string }[] }>(
      pair.url,
      "/hapta/events?type=admin_action",
    );
    expect(events.items.map(({ detail }) => detail).join()).toContain("banned for 60 s, by the admin key");
  });

  test("a ban ends the streams that are open: of the user, or from the address and its neighbours", async () => {
    const ban = (json: unknown) => ask(pair.url, "/hapta/limits/bans", { method: "POST", json });
    const open = (address: string) =>
      openEventStream(pair.url, { path: "/api/realtime", headers: FROM(address) });
    using near = await open("2001:db8:40::7");
    using other = await open("2001:db8:41::7");
    using own = await open("203.0.113.40");
    const subscribe = (clientId: string, address: string, token?: string) =>
      call(pair.url, {
        path: "/api/realtime",
        json: { clientId, subscriptions: ["notices/*"] },
        headers: FROM(address),
        token,
      });
    const token = await login(pair.url, BEN, { headers: FROM("203.0.113.40") });
    expect((await subscribe(near.clientId, "2001:db8:40::7")).status).toBe(204);
    expect((await subscribe(other.clientId, "2001:db8:41::7")).status).toBe(204);
    expect((await subscribe(own.clientId, "203.0.113.40", token)).status).toBe(204);
    expect((await ban({ address: "2001:db8:40::1", seconds: 60 })).status).toBe(200);
    await eventually(() => !near.isOpen(), 5_000);
    expect([other.isOpen(), own.isOpen()]).toEqual([true, true]);
    const user = String(payloadOf(token)["id"]);
    expect((await ban({ collection: "members", user, seconds: 60 })).status).toBe(200);
    await eventually(() => !own.isOpen(), 5_000);
    expect(other.isOpen()).toBe(true);
    // Neither comes back, and a new login helps nobody.
    expect(verdictOf(await subscribe(other.clientId, "2001:db8:41::7", token))).toBe("403 banned");
    const again = await login(pair.url, BEN, { headers: FROM("203.0.113.41") });
    expect(await statuses(1, "203.0.113.41", again)).toEqual([403]);
    const place = `/hapta/limits/bans?collection=members&user=${user}`;
    expect((await ask(pair.url, place, { method: "DELETE" })).status).toBe(204);
  });

  test("every example of docs/limits.md is answered with success", async () => {
    const page = readFileSync(join(PROJECT_DIR, "docs", "limits.md"), "utf8");
    const lines = [...page.matchAll(/^curl .*$/gm)].map((match) => match[0]);
    expect(lines.length).toBeGreaterThanOrEqual(8);
    for (const line of lines) {
      const url = new URL(/"(http[^"]+)"$/.exec(line)?.[1] ?? "");
      const body = /-d '([^']+)'/.exec(line)?.[1];
      const answer = await ask(pair.url, url.pathname + url.search, {
        method: /-X (\w+)/.exec(line)?.[1] ?? "GET",
        ...(body === undefined ? {} : { body, headers: [["Content-Type", "application/json"]] }),
      });
      expect(`${line} ${answer.status}`).toMatch(/ 20[04]$/);
    }
  });
});

test("SIGHUP takes the limits over; a file that is not valid changes nothing", async () => {
  const { hapta } = pair;
  const config = join(dirname(hapta.dataDir), "config.ts");
  const write = (ratelimit: unknown) =>
    Bun.write(
      config,
      `export default ${JSON.stringify({ ratelimit, Network: { TrustedProxies: ["loopback"] } })};\n`,
    );
  const policy = async (): Promise<string> =>
    (await call(pair.url, { path: LIST, headers: FROM("203.0.113.99") })).headers.find(
      ([name]) => name.toLowerCase() === "ratelimit-policy",
    )?.[1] ?? "";
  expect(await policy()).toBe('"default";q=20;w=3600');
  await write({ ...LIMITS, Max: 50, Rules: [{ Name: "lists", Action: "list", Max: 7 }] });
  hapta.child.kill("SIGHUP");
  await eventually(async () => (await policy()) === '"default";q=50;w=3600, "lists";q=7;w=60', 5_000);
  await write({ ...LIMITS, Max: -1 });
  hapta.child.kill("SIGHUP");
  await eventually(() => hapta.child.output().includes("The limits stay as they are"), 5_000);
  const answer = await ask(pair.url, "/hapta/limits/reload", { method: "POST" });
  expect([answer.status, answer.text.includes("ratelimit.Max: found the number -1")]).toEqual([400, true]);
  expect(await policy()).toStartWith('"default";q=50;w=3600');
  await write({ ...LIMITS, isEnabled: false });
  expect((await ask(pair.url, "/hapta/limits/reload", { method: "POST" })).status).toBe(200);
  expect(await policy()).toBe("");
});

test("what was spent, and bans, survive a graceful restart", async () => {
  using scratch = createScratch("limits-restart");
  const upstream = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("ok") });
  const start = () =>
    startHapta(
      { url: `http://127.0.0.1:${upstream.port}` },
      {
        waitFor: "/hapta/live",
        config: { ratelimit: { ...LIMITS, IP: true }, Network: { TrustedProxies: ["loopback"] } },
        env: { HAPTA_DATA_DIR: scratch.path, HAPTA_ADMIN_KEY: ADMIN_KEY },
      },
    );
  const spend = async (url: string, count: number): Promise<number> => {
    const all = await Promise.all(
      repeat(count, 0).map(() => call(url, { path: "/x", headers: FROM("203.0.113.5") })),
    );
    return countOf(
      all.map(({ status }) => status),
      200,
    );
  };
  {
    await using hapta = await start();
    expect(await spend(hapta.url, 30)).toBe(20);
    const body = JSON.stringify({ address: "203.0.113.6", seconds: 600 });
    const headers = [["Content-Type", "application/json"]] as const;
    expect((await ask(hapta.url, "/hapta/limits/bans", { method: "POST", headers, body })).status).toBe(200);
  }
  {
    await using hapta = await start();
    expect(await spend(hapta.url, 5)).toBe(0);
    const banned = await call(hapta.url, { path: "/x", headers: FROM("203.0.113.6") });
    expect(verdictOf(banned)).toBe("403 banned");
  }
  await upstream.stop(true);
});
