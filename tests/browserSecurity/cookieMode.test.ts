// Cookie sessions over HTTP: what the page sees, what the cookie does, whose requests it counts for, and its end.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  ADA,
  BEN,
  type Call,
  call,
  jsonOf,
  login,
  type Pair,
  payloadOf,
  ROOT,
  START_MS,
  startPair,
  TEST_MS,
  verdictOf,
  verify,
} from "../sessions/support.ts";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";
import { setCookiesOf, Tab, type TabOptions } from "./tab.ts";

setDefaultTimeout(TEST_MS);
const NAME = "hapta_session";
const LOGIN = "/api/collections/members/auth-with-password";
const REFRESH = "/api/collections/members/auth-refresh";
const DIARIES = "/api/collections/diaries/records";
const NOTICES = "/api/collections/notices/records";
const ASK = [["X-Hapta-Cookie", "1"]] as const;
const APP = "https://app.example";

let pair: Pair;
let listed: Hapta;
beforeAll(async () => {
  pair = await startPair({
    config: { Security: { Cookies: { isEnabled: true } }, Network: { TrustedProxies: ["127.0.0.1"] } },
  });
  listed = await startHapta(pair.pb, {
    config: { Security: { Cookies: { isEnabled: true, SameSite: "strict" }, Origins: [APP] } },
  });
}, START_MS);
afterAll(async () => {
  await listed[Symbol.asyncDispose]();
  await pair[Symbol.asyncDispose]();
}, START_MS);

const logIn = (tab: Tab, { email } = ADA): Promise<WireResponse> =>
  tab.send({ path: LOGIN, json: { identity: email, password: PASSWORD }, headers: ASK });

/** A tab with a cookie session, what its script holds, and the token in the cookie. */
const signIn = async (options: TabOptions = {}, url = pair.url) => {
  const tab = new Tab(url, options);
  const answer = await logIn(tab);
  expect(answer.status).toBe(200);
  return {
    tab,
    answer,
    inert: String(jsonOf(answer)["token"]),
    token: tab.jar.get(NAME) ?? expect.unreachable(),
  };
};

const seen = async (tab: Tab, token?: string): Promise<unknown> =>
  jsonOf(await tab.send({ path: DIARIES, token }))["totalItems"];

/** A request with a cookie, from wherever the headers say. */
const withCookie = (token: string, request: Call, headers: Call["headers"] = []): Promise<WireResponse> =>
  call(pair.url, { ...request, headers: [["Cookie", `${NAME}=${token}`], ...headers] });

describe("the login", () => {
  test("puts the token into a cookie, and what the page gets proves nothing", async () => {
    const { answer, inert, token } = await signIn();
    const cookie = setCookiesOf(answer).find((one) => one.startsWith(NAME)) ?? "";
    expect(cookie).toMatch(/^hapta_session=[^;]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    const { id, collectionId, type, exp, refreshable } = payloadOf(token);
    expect(payloadOf(inert)).toEqual({ id, collectionId, type, exp, refreshable, iss: "hapta" });
    expect(Number(/Max-Age=(\d+)/.exec(cookie)?.[1])).toBeGreaterThan(Number(exp) - Date.now() / 1000 - 5);
    expect(answer.text).not.toContain(token);
    for (const part of [payloadOf(token)["sid"], payloadOf(token)["jti"], token.split(".")[2]])
      expect(answer.text).not.toContain(String(part));
    expect(await verify(pair.url, inert)).toBe(401);
    expect((await call(pair.url, { path: DIARIES, token: inert })).text).toContain('"totalItems":0');
    expect((await call(pair.pb.url, { path: DIARIES, token: inert })).text).toContain('"totalItems":0');
    expect((await call(pair.url, { method: "POST", path: REFRESH, token: inert })).status).toBe(401);
    expect((await call(pair.url, { path: "/auth/sessions", token: inert })).status).toBe(401);
  });

  test("without the header, or with another value, is a login like any other", async () => {
    for (const headers of [[], [["X-Hapta-Cookie", "0"]], [["X-Hapta-Cookie", "true"]]] as const) {
      const tab = new Tab(pair.url);
      const answer = await tab.send({
        path: LOGIN,
        json: { identity: ADA.email, password: PASSWORD },
        headers,
      });
      expect(setCookiesOf(answer).filter((cookie) => cookie.startsWith(NAME))).toEqual([]);
      expect(await verify(pair.url, String(jsonOf(answer)["token"]))).toBe(200);
    }
  });

  test("over https takes a name that only this host can set, and no other name counts there", async () => {
    const proxy: Call["headers"] = [
      ["X-Forwarded-For", "203.0.113.9"],
      ["X-Forwarded-Proto", "https"],
    ];
    const tab = new Tab(pair.url, { headers: proxy });
    const cookie = setCookiesOf(await logIn(tab)).find((one) => one.includes(NAME)) ?? "";
    expect(cookie).toMatch(/^__Host-hapta_session=.*; SameSite=Lax; Secure$/);
    expect(await seen(tab)).toBe(1);
    const token = tab.jar.get(`__Host-${NAME}`) ?? "";
    tab.jar.clear();
    tab.jar.set(NAME, token);
    expect(await seen(tab)).toBe(0);
  });

  test("that fails leaves no cookie; one with a cookie replaces the session in it", async () => {
    const { tab, token } = await signIn();
    const failed = await tab.send({
      path: LOGIN,
      json: { identity: ADA.email, password: "no" },
      headers: ASK,
    });
    expect([failed.status, setCookiesOf(failed), await seen(tab)]).toEqual([400, [], 1]);
    expect((await logIn(tab, BEN)).status).toBe(200);
    expect(payloadOf(tab.jar.get(NAME) ?? "")["id"]).toBe(IDS.ben);
    expect(tab.jar.get(NAME)).not.toBe(token);
  });

  test("of the app's own route gives a cookie, too", async () => {
    for (const path of ["/custom/login", "/custom/standard-login", "/custom/odd-login"]) {
      const tab = new Tab(pair.url);
      const answer = await tab.send({ method: "POST", path: `${path}?email=${ADA.email}`, headers: ASK });
      const token = tab.jar.get(NAME) ?? "none";
      expect([path, answer.status, answer.text.includes(token), await seen(tab)]).toEqual([
        path,
        200,
        false,
        1,
      ]);
    }
  });

  test("an impersonation's token stays out of the superuser's cookie", async () => {
    const tab = new Tab(pair.url);
    const path = "/api/collections/_superusers/auth-with-password";
    const json = { identity: ROOT.email, password: ROOT.password };
    expect((await tab.send({ path, json, headers: ASK })).status).toBe(200);
    const before = tab.jar.get(NAME);
    const asked = await tab.send({
      path: `/api/collections/members/impersonate/${IDS.ada}`,
      json: {},
      headers: ASK,
    });
    expect([asked.status, setCookiesOf(asked), tab.jar.get(NAME)]).toEqual([200, [], before]);
    expect(await verify(pair.url, String(jsonOf(asked)["token"]))).toBe(200);
  });
});

describe("the cookie", () => {
  test("counts without Authorization and beside the inert token; a token that is sent goes first", async () => {
    const { tab, inert } = await signIn();
    expect([await seen(tab), await seen(tab, inert), await seen(tab, `Bearer ${inert}`)]).toEqual([1, 1, 1]);
    const ben = await login(pair.url, BEN);
    const answer = await tab.send({ path: "/auth/verify", token: ben });
    expect(jsonOf(answer)["record"]).toMatchObject({ id: IDS.ben });
    expect(await seen(tab, "not.a.token")).toBe(0);
  });

  test("brings answers that no shared cache may keep, from Hapta's own cache, too", async () => {
    const { tab } = await signIn();
    const read = async () => {
      const answer = await tab.send({ path: DIARIES });
      expect(headOf(answer, "cache-control")).toBe("private, no-cache");
      return headOf(answer, "cache-status") === "hapta; hit";
    };
    await eventually(read, 10_000);
    expect(headOf(await call(pair.url, { path: NOTICES }), "cache-control")).toBeUndefined();
  });

  test("does not reach PocketBase, and what does is PocketBase's own token", async () => {
    const { tab } = await signIn();
    const answer = await tab.send({ path: "/custom/headers?names=Cookie,Authorization" });
    expect(JSON.parse(answer.text).seen.Cookie).toBeNull();
    expect(answer.text).not.toContain(tab.jar.get(NAME) ?? "");
  });

  test("twice, malformed or made up is nobody's", async () => {
    const { inert, token } = await signIn();
    const read = async (cookie: string): Promise<string> =>
      (await call(pair.url, { path: DIARIES, headers: [["Cookie", cookie]] })).text;
    expect(await read(`${NAME}=${token}`)).toContain('"totalItems":1');
    const upstream = await login(pair.pb.url, ADA);
    const bad = [`${NAME}=${token}; ${NAME}=${token}`, `${NAME}=${inert}`, `${NAME}=${token.slice(0, -2)}AA`];
    for (const cookie of [...bad, `${NAME}=${upstream}`, `${NAME}="${token}"`, `x${NAME}=${token}`])
      expect(await read(cookie)).toContain('"totalItems":0');
  });

  test("is given and taken back in answers that no cache may keep, files included", async () => {
    const { tab, answer, token } = await signIn();
    expect(headOf(answer, "cache-control")).toBe("no-store");
    expect((await tab.send({ method: "POST", path: "/auth/logout" })).status).toBe(204);
    const path = `/api/files/articles/${IDS.news}/${pair.pb.world.files.cover}`;
    expect(headOf(await call(pair.url, { path }), "cache-control")).toContain("max-age=");
    for (const place of [path, NOTICES]) {
      const dead = await withCookie(token, { path: place });
      expect([dead.status, setCookiesOf(dead)[0]?.split(";", 1)[0]]).toEqual([200, `${NAME}=`]);
      expect(headOf(dead, "cache-control")).toBe("no-store");
    }
  });

  test("rolls with auth-refresh: racing tabs get the same bytes, a lost answer costs nothing", async () => {
    const { tab, inert, token } = await signIn();
    const twin = new Tab(pair.url);
    for (const [name, value] of tab.jar) twin.jar.set(name, value);
    const answers = await Promise.all(
      [tab, twin, twin].map((one) => one.send({ method: "POST", path: REFRESH, token: inert })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const next = tab.jar.get(NAME) ?? "";
    expect([next === token, twin.jar.get(NAME)]).toEqual([false, next]);
    expect(Number(payloadOf(next)["gen"])).toBe(Number(payloadOf(token)["gen"]) + 1);
    expect(answers.map(({ text }) => text.includes(next))).toEqual([false, false, false]);
    expect(await seen(tab)).toBe(1);
    twin.jar.set(NAME, token);
    const late = await twin.send({ method: "POST", path: REFRESH });
    expect(setCookiesOf(late)[0]).toStartWith(`${NAME}=${next};`);
    const short = await tab.send({ method: "POST", path: `${REFRESH}?fields=record.id` });
    expect([short.text.trim(), tab.jar.get(NAME) === next]).toEqual([
      `{"record":{"id":"${IDS.ada}"}}`,
      false,
    ]);
    expect(await seen(tab)).toBe(1);
  });

  test("takes over a token session at its next refresh", async () => {
    const token = await login(pair.url, ADA);
    const tab = new Tab(pair.url);
    const answer = await tab.send({ method: "POST", path: REFRESH, token, headers: ASK });
    expect(answer.status).toBe(200);
    expect(await seen(tab, String(jsonOf(answer)["token"]))).toBe(1);
    expect(await verify(pair.url, String(jsonOf(answer)["token"]))).toBe(401);
  });

  test("serves realtime: the stream is bound to the session and ends with it", async () => {
    const { tab, inert } = await signIn();
    using stream = await openEventStream(pair.url);
    const json = { clientId: stream.clientId, subscriptions: ["diaries/*"] };
    expect((await withCookie(tab.jar.get(NAME) ?? "", { path: "/api/realtime", json })).status).toBe(403);
    expect((await tab.send({ path: "/api/realtime", json, token: inert })).status).toBe(204);
    expect((await tab.send({ method: "POST", path: "/auth/logout" })).status).toBe(204);
    await eventually(() => !stream.isOpen(), 5_000);
  });
});

describe("CSRF", () => {
  const WRITES: readonly Call[] = [
    { path: DIARIES, json: { text: "forged" } },
    { method: "PATCH", path: `${NOTICES}/notice000000001`, json: { title: "forged" } },
    { method: "DELETE", path: `${NOTICES}/notice000000001` },
    { path: "/api/batch", json: { requests: [] } },
    { path: "/api/realtime", json: { clientId: "x", subscriptions: [] } },
    { method: "POST", path: REFRESH },
    { method: "POST", path: "/api/files/token" },
    { method: "POST", path: "/auth/logout" },
    { method: "DELETE", path: "/auth/sessions" },
    { method: "POST", path: "/custom/anything" },
  ];
  const FOREIGN: readonly NonNullable<Call["headers"]>[] = [
    [],
    [["Origin", "https://evil.example"]],
    [["Origin", "null"]],
    [["Origin", "http://127.0.0.1:1"]],
    [["Sec-Fetch-Site", "cross-site"]],
    [["Sec-Fetch-Site", "same-site"]],
    [["Sec-Fetch-Site", "none"]],
    [
      ["Origin", "https://evil.example"],
      ["Sec-Fetch-Site", "cross-site"],
    ],
  ];

  test.each(WRITES.map((write) => [write.method ?? "POST", write.path, write] as const))(
    "%s %s counts only from an own page",
    async (_, __, write) => {
      const { token } = await signIn();
      for (const headers of FOREIGN) {
        const answer = await withCookie(token, write, headers);
        expect([headers, verdictOf(answer)]).toEqual([headers, "403 csrf_denied"]);
      }
      expect(await verify(pair.url, token)).toBe(200);
      for (const headers of [[["Origin", pair.url]], [["Sec-Fetch-Site", "same-origin"]]] as const)
        expect(headOf(await withCookie(token, write, headers), "x-hapta-error")).not.toBe("csrf_denied");
    },
  );

  test("a foreign page's script may not even read with it; a link or a picture may", async () => {
    const { token } = await signIn();
    const read = (headers: Call["headers"]) => withCookie(token, { path: DIARIES }, headers);
    expect(verdictOf(await read([["Origin", "https://evil.example"]]))).toBe("403 csrf_denied");
    expect((await read([["Sec-Fetch-Site", "cross-site"]])).status).toBe(200);
  });

  test("no foreign page logs a visitor in as somebody else", async () => {
    const evil = new Tab(pair.url, { page: "https://evil.example" });
    const answer = await logIn(evil);
    expect([verdictOf(answer), setCookiesOf(answer)]).toEqual(["403 csrf_denied", []]);
  });

  test("a token in the header is no cookie: every page and program may send it", async () => {
    const { token } = await signIn();
    const other = await login(pair.url, ADA);
    const headers: Call["headers"] = [["Origin", "https://other.example"]];
    for (const cookie of ["", `${NAME}=${token}`]) {
      const answer = await call(pair.url, {
        path: NOTICES,
        json: { title: "x" },
        token: other,
        headers: [...headers, ["Cookie", cookie]],
      });
      expect(answer.status).toBe(200);
    }
  });

  test("a listed page of the same site writes, is told that it may send cookies, and gets a strict one", async () => {
    const { tab, answer, token } = await signIn({ page: APP }, listed.url);
    expect(setCookiesOf(answer).find((one) => one.startsWith(NAME))).toEndWith("; HttpOnly; SameSite=Strict");
    expect(setCookiesOf(answer).some((one) => one.startsWith("hapta_did="))).toBe(true);
    const cors = (one: WireResponse) =>
      ["origin", "credentials"].map((name) => headOf(one, `access-control-allow-${name}`));
    expect(cors(answer)).toEqual([APP, "true"]);
    const written = await tab.send({ path: NOTICES, json: { title: "x" } });
    expect([written.status, ...cors(written)]).toEqual([200, APP, "true"]);
    const evil = await call(listed.url, {
      path: NOTICES,
      headers: [
        ["Cookie", `${NAME}=${token}`],
        ["Origin", "https://evil.example"],
      ],
    });
    expect([verdictOf(evil), ...cors(evil)]).toEqual(["403 csrf_denied", undefined, undefined]);
  });
});

describe("the end", () => {
  test("logout ends the session and takes the cookie back", async () => {
    const { tab, token } = await signIn();
    const answer = await tab.send({ method: "POST", path: "/auth/logout" });
    expect([answer.status, tab.jar.has(NAME), await verify(pair.url, token)]).toEqual([204, false, 401]);
    const cleared = setCookiesOf(answer);
    expect(cleared).toEqual([`${NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax`]);
  });

  test.each([
    ["read", { path: DIARIES }],
    ["refused read", { path: "/auth/verify" }],
    ["refused write", { method: "POST", path: REFRESH }],
  ] as const)(
    "a cookie whose session has ended is taken back with the next answer: a %s",
    async (_, request) => {
      const { tab, token } = await signIn();
      await call(pair.url, { method: "POST", path: "/auth/logout", token });
      expect(tab.jar.has(NAME)).toBe(true);
      const answer = await tab.send(request);
      expect([headOf(answer, "x-hapta-session"), tab.jar.has(NAME)]).toEqual(["revoked", false]);
      expect(await seen(tab)).toBe(0);
    },
  );

  test("one of an unknown key, too; a live one stays", async () => {
    const { tab, token } = await signIn();
    expect(setCookiesOf(await tab.send({ path: DIARIES }))).toEqual([]);
    tab.jar.set(NAME, `${token.slice(0, -2)}AA`);
    await tab.send({ path: DIARIES });
    expect(tab.jar.has(NAME)).toBe(false);
  });
});

test("without Security.Cookies nothing of this exists", async () => {
  await using off = await startHapta(pair.pb);
  const tab = new Tab(off.url);
  const answer = await logIn(tab);
  expect(setCookiesOf(answer).some((cookie) => cookie.startsWith(NAME))).toBe(false);
  const token = String(jsonOf(answer)["token"]);
  expect(await verify(off.url, token)).toBe(200);
  const read = await call(off.url, { path: DIARIES, headers: [["Cookie", `${NAME}=${token}`]] });
  expect(jsonOf(read)["totalItems"]).toBe(0);
});
