// The event log through the admin API: what is written, hostile texts (SE3), floods, and tampering (SE4).
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ADA, call, createMember, login, ROOT, tryLogin, verdictOf } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { sendRaw } from "../support/wire.ts";
import { ask, askJson, type EventItem, type Page, sharedPairWithKey } from "./support.ts";

const pair = sharedPairWithKey({ config: { Log: { Requests: "all" } } });

const events = (query = ""): Promise<Page<EventItem>> => askJson(pair.url, `/hapta/events${query}`);

test("refused logins, wrong keys and superusers from outside are events; what was typed is not in them", async () => {
  const root = await login(pair.url, ROOT);
  await tryLogin(pair.url, { email: "hunter2-typed-as-a-name", password: "hunter2-typed" });
  await call(pair.url, { path: "/hapta/keys", token: "Bearer hunter2-as-a-key" });
  await call(pair.url, {
    path: "/api/collections/members/records",
    token: root,
    headers: [["X-Forwarded-For", "198.51.100.7"]],
  });
  const seen = await eventually(async () => {
    const { items } = await events("?limit=3");
    return items[0]?.type === "authz_fail" && items;
  }, 2_000);
  expect(seen.map(({ type, detail, collection }) => [type, detail, collection])).toEqual([
    ["authz_fail", "superuser from outside", undefined],
    ["authn_fail", "admin key", undefined],
    ["authn_fail", "auth-with-password 400", "members"],
  ]);
  expect(seen[2]).toMatchObject({ ip: "127.0.0.1", label: "Unknown device" });
  expect(JSON.stringify((await events("?limit=500")).items)).not.toContain("hunter2");
  expect(pair.hapta.child.output()).not.toContain("hunter2");
});

test("events are filtered by what, who, which session and when, and paged", async () => {
  const member = await createMember(pair.url);
  const from = new Date().toISOString();
  const token = await login(pair.url, member);
  await call(pair.url, { method: "POST", path: "/auth/logout", token });
  const mine = await events(`?collection=members&user=${member.id}`);
  expect(mine.items.map(({ type }) => type)).toEqual(["session_revoked", "session_created"]);
  const session = mine.items[0]?.session;
  expect((await events(`?session=${session}&type=session_revoked`)).items).toHaveLength(1);
  expect((await events(`?user=${member.id}&from=${from}`)).items).toHaveLength(2);
  expect((await events(`?user=${member.id}&to=${from}`)).items).toHaveLength(0);
  expect((await events(`?user=${member.id}&from=2020-01-01&to=2020-01-02`)).items).toHaveLength(0);
  const first = await events("?limit=1");
  const second = await events(`?limit=1&cursor=${first.cursor}`);
  expect((first.items[0]?.seq ?? 0) - (second.items[0]?.seq ?? 0)).toBe(1);
  for (const query of ["?type=nothing", "?from=yesterday", "?to=1", "?cursor=-1", "?usr=x", "?limit=1.5"])
    expect(`${query} ${verdictOf(await ask(pair.url, `/hapta/events${query}`))}`).toBe(
      `${query} 400 input_invalid`,
    );
});

test("SE3: a hostile User-Agent forges neither a line of the log nor an event", async () => {
  const body = JSON.stringify({ identity: "nobody@example.com", password: "x" });
  const marks = [
    'x\\n{"forged":1}',
    'x\n{"forged":1}',
    'x\r\n\r\n{"forged":1}',
    "x\u001b[31mred",
    "x\u009b31mred",
    "\u202egnp.exe",
    "y".repeat(10_240),
  ];
  for (const mark of marks) {
    const head = `POST /api/collections/members/auth-with-password HTTP/1.1\r\nHost: a.test\r\nUser-Agent: ${mark}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    await sendRaw(pair.url, Buffer.from(head + body, "utf8"), 2_000);
    await sendRaw(
      pair.url,
      Buffer.from(
        `GET /${encodeURIComponent(mark).slice(0, 4_000)} HTTP/1.1\r\nHost: a.test\r\nUser-Agent: ${mark}\r\nConnection: close\r\n\r\n`,
        "utf8",
      ),
      2_000,
    );
  }
  await call(pair.url, { path: "/hapta/live" });
  const { items } = await eventually(async () => {
    const page = await events("?type=authn_fail&limit=500");
    return page.items.length >= 4 && page;
  }, 2_000);
  for (const item of items) expect(item.label ?? "").toMatch(/^[\w .]{0,40}$/);
  expect(JSON.stringify(items)).not.toContain("forged");
  const lines = pair.hapta.child
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"));
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines.slice(1)) {
    expect(JSON.parse(line)).not.toHaveProperty("forged");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point.
    expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
    expect(line.length).toBeLessThan(2_000);
  }
});

test("a flood of refusals is a few rows and a count", async () => {
  const token = await login(pair.url, ROOT);
  const before = (await events("?type=authz_fail&limit=500")).items.length;
  const outside = { path: "/auth/verify", token, headers: [["X-Forwarded-For", "198.51.100.7"]] } as const;
  for (let round = 0; round < 5; round++)
    await Promise.all(Array.from({ length: 40 }, () => call(pair.url, outside)));
  const rows = (await events("?type=authz_fail&limit=500")).items.length - before;
  expect(rows).toBeGreaterThanOrEqual(25);
  expect(rows).toBeLessThan(60);
});

test("SE4: an edited and a deleted event show", async () => {
  await login(pair.url, ADA);
  const verify = (): Promise<Record<string, unknown>> => askJson(pair.url, "/hapta/events/verify");
  const whole = await verify();
  expect(whole).toMatchObject({ ok: true });
  expect(Number(whole["events"])).toBeGreaterThan(5);
  const tamper = (sql: string): void => {
    const db = new Database(join(pair.hapta.dataDir, "sessions.db"));
    db.run("PRAGMA busy_timeout = 2000");
    db.run(sql);
    db.close();
  };
  tamper("UPDATE events SET ip = '192.0.2.66' WHERE seq = 4");
  expect(await verify()).toEqual({ ok: false, seq: 4 });
  tamper("DELETE FROM events WHERE seq = 2");
  expect(await verify()).toEqual({ ok: false, seq: 2 });
  const all = await Promise.all(Array.from({ length: 20 }, verify));
  expect(all).toEqual(all.map(() => ({ ok: false, seq: 2 })));
});
