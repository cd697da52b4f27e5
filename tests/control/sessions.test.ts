// The admin API over sessions: listing, ending, introspection, and that no filter is taken for another.
import { expect, test } from "bun:test";
import {
  ADA,
  BEN,
  call,
  createMember,
  login,
  ROOT,
  refreshed,
  verdictOf,
  verify,
} from "../sessions/support.ts";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { ask, askJson, type EventItem, type Page, type SessionItem, sharedPairWithKey } from "./support.ts";

const pair = sharedPairWithKey();

const list = (query = ""): Promise<Page<SessionItem>> => askJson(pair.url, `/hapta/sessions${query}`);
const end = (path: string) => ask(pair.url, path, { method: "DELETE" });

test("everybody's sessions are listed newest first, page by page, without a token", async () => {
  const member = await createMember(pair.url);
  const tokens = [
    await login(pair.url, member),
    await login(pair.url, member, { headers: [["User-Agent", "Mozilla/5.0 (X11; Linux) Firefox/130.0"]] }),
    await login(pair.url, ROOT),
  ];
  const { items } = await list();
  expect(items.slice(0, 3).map(({ kind, collection }) => `${kind} ${collection}`)).toEqual([
    "superuser _superusers",
    "record members",
    "record members",
  ]);
  expect(items[1]).toMatchObject({
    user: member.id,
    status: "active",
    label: "Firefox on Linux",
    ip: "127.0.0.1",
    amr: ["pwd"],
  });
  const mine = await list(`?collection=members&user=${member.id}&limit=1`);
  const rest = await list(`?collection=members&user=${member.id}&limit=1&cursor=${mine.cursor}`);
  expect([...mine.items, ...rest.items].map(({ id }) => id)).toEqual(items.slice(1, 3).map(({ id }) => id));
  expect(rest.cursor).toBeUndefined();
  const byId = await list(`?collection=${items[1]?.collectionId}&user=${member.id}`);
  expect(byId.items).toHaveLength(2);
  const text = JSON.stringify(items);
  for (const token of tokens) for (const part of token.split(".")) expect(text).not.toContain(part);
});

test("one session, a user, a collection and everybody can be ended; each is an event", async () => {
  const member = await createMember(pair.url);
  const [a, b, c] = [
    await login(pair.url, member),
    await login(pair.url, member),
    await login(pair.url, member),
  ];
  const { items } = await list(`?collection=members&user=${member.id}`);
  const gone = await end(`/hapta/sessions/${items[2]?.id}`);
  expect(`${gone.status} ${gone.text}`).toBe("204 ");
  expect([await verify(pair.url, a), await verify(pair.url, b)]).toEqual([401, 200]);
  expect(verdictOf(await end(`/hapta/sessions/${items[2]?.id}`))).toBe("404 not_found");
  expect(verdictOf(await end("/hapta/sessions/nobody"))).toBe("404 not_found");
  const out = await end(`/hapta/sessions?collection=members&user=${member.id}`);
  expect(`${out.status} ${out.text}`).toBe('200 {"ended":2}');
  expect([await verify(pair.url, b), await verify(pair.url, c)]).toEqual([401, 401]);
  const events = await askJson<Page<EventItem>>(pair.url, `/hapta/events?user=${member.id}`);
  expect(events.items.map(({ type, detail }) => `${type} ${detail ?? ""}`).slice(0, 5)).toEqual([
    "session_revoked ended_by_admin",
    "session_revoked ended_by_admin",
    "admin_action ended_by_admin by the admin key",
    "session_revoked ended_by_admin",
    "admin_action ended_by_admin by the admin key",
  ]);
  const [ben, root] = [await login(pair.url, BEN), await login(pair.url, ROOT)];
  expect((await end("/hapta/sessions?collection=members")).text).toBe('{"ended":null}');
  expect([await verify(pair.url, ben), await verify(pair.url, root)]).toEqual([401, 200]);
  const again = await login(pair.url, BEN);
  expect((await end("/hapta/sessions?everybody=true")).text).toBe('{"ended":null}');
  expect([await verify(pair.url, again), await verify(pair.url, root)]).toEqual([401, 401]);
  expect((await list()).items).toEqual([]);
});

test("a superuser may do it too, and is named", async () => {
  const [root, ada] = [await login(pair.url, ROOT), await login(pair.url, ADA)];
  const { items } = await list("?collection=members");
  const path = `/hapta/sessions/${items[0]?.id}`;
  expect((await call(pair.url, { method: "DELETE", path, token: ada })).status).toBe(401);
  expect((await call(pair.url, { method: "DELETE", path, token: root })).status).toBe(204);
  const events = await askJson<Page<EventItem>>(pair.url, "/hapta/events?type=admin_action&limit=1");
  expect(events.items[0]?.detail).toMatch(/^ended_by_admin by superuser \w{15}$/);
});

test("a filter that is misspelt, empty or names nothing ends and lists nothing", async () => {
  const ada = await login(pair.url, ADA);
  for (const [query, field] of [
    ["", "collection"],
    ["?colection=members", "colection"],
    ["?collection=members&usr=x", "usr"],
    ["?collection=", "collection"],
    ["?collection=nothing", "collection"],
    ["?collection=members&collection=diaries", "collection"],
    ["?collection=members&user=", "user"],
    ["?user=x", "collection"],
    ["?everybody=yes", "everybody"],
    ["?everybody=true&collection=members", "everybody"],
  ] as const) {
    const answer = await end(`/hapta/sessions${query}`);
    expect(`${query} ${verdictOf(answer)}`).toBe(`${query} 400 input_invalid`);
    const { data, status } = JSON.parse(answer.text) as {
      data: Record<string, { code: string }>;
      status: number;
    };
    expect([Object.keys(data), status]).toEqual([[field], 400]);
    expect(data[field]?.code).toStartWith("validation_");
  }
  for (const query of ["?cursor=x", "?limit=0", "?limit=501", "?limit=1e3x", "?user=x", "?cursor=a.b.c"])
    expect(`${query} ${verdictOf(await ask(pair.url, `/hapta/sessions${query}`))}`).toBe(
      `${query} 400 input_invalid`,
    );
  expect(await verify(pair.url, ada)).toBe(200);
});

const introspect = (token: string) =>
  askJson<Record<string, unknown>>(pair.url, "/hapta/sessions/introspect", { json: { token } });

test("introspection has the shape of RFC 7662 and is no use of the token", async () => {
  const first = await login(pair.url, ADA);
  const found = await introspect(first);
  expect(found).toMatchObject({
    active: true,
    token_type: "Bearer",
    iss: "hapta",
    sub: "memberada000001",
    collection: "members",
    amr: ["pwd"],
  });
  const second = await refreshed(pair.url, first);
  expect([(await introspect(second))["active"], (await introspect(first))["active"]]).toEqual([true, true]);
  const form = await ask(pair.url, "/hapta/sessions/introspect", {
    method: "POST",
    headers: [["Content-Type", "application/x-www-form-urlencoded"]],
    body: `token=${second}&token_type_hint=access_token`,
  });
  expect(JSON.parse(form.text)).toMatchObject({ active: true });
  await call(pair.url, { method: "POST", path: "/auth/logout", token: second });
  for (const token of [first, second, "nonsense", "a.b.c", `${second}x`])
    expect(await introspect(token)).toEqual({ active: false });
});

test("bodies are bounded and must be what they say", async () => {
  const post = (headers: [string, string][], body: string) =>
    ask(pair.url, "/hapta/sessions/introspect", { method: "POST", headers, body });
  const json: [string, string] = ["Content-Type", "application/json"];
  const verdicts = [
    await post([json], "{"),
    await post([json], "[]"),
    await post([json], '{"token":1}'),
    await post([], "token=x"),
    await post([["Content-Type", "text/plain"]], "token=x"),
    await post([["Content-Type", "application/x-www-form-urlencoded"]], "token=x&token=y"),
    await post([json], JSON.stringify({ token: "x".repeat(70_000) })),
    await post([json, ["Content-Encoding", "gzip"]], "x"),
    await ask(pair.url, "/hapta/sessions/introspect", { method: "POST" }),
  ].map(verdictOf);
  expect(verdicts).toEqual([
    "400 body_invalid",
    "400 input_invalid",
    "400 input_invalid",
    "415 media_type_unsupported",
    "415 media_type_unsupported",
    "400 input_invalid",
    "413 body_too_large",
    "415 body_encoded",
    "400 input_invalid",
  ]);
});

test("SE2: a stream of a session that is ended closes within a second", async () => {
  const token = await login(pair.url, ADA);
  const { items } = await list("?collection=members&limit=1");
  using stream = await openEventStream(pair.url);
  const subscribed = await call(pair.url, {
    path: "/api/realtime",
    token,
    json: { clientId: stream.clientId, subscriptions: ["diaries/*"] },
  });
  expect(subscribed.status).toBe(204);
  expect((await end(`/hapta/sessions/${items[0]?.id}`)).status).toBe(204);
  await eventually(() => !stream.isOpen(), 1_000);
});
