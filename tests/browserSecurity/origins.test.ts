// AP2, AP3, AP4: which web pages may write through Hapta and read its answers, with and without Security.Origins.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  ADA,
  type Call,
  call,
  diariesSeen,
  login,
  type Pair,
  START_MS,
  startPair,
  TEST_MS,
  verdictOf,
  verify,
} from "../sessions/support.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { exchange } from "../support/wire.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";

setDefaultTimeout(TEST_MS);
const APP = "https://app.example";
let open: Pair;
let listed: Hapta;
beforeAll(async () => {
  open = await startPair();
  listed = await startHapta(open.pb, {
    config: { Security: { Origins: [APP, "capacitor://localhost"] } },
  });
}, START_MS);
afterAll(async () => {
  await listed[Symbol.asyncDispose]();
  await open[Symbol.asyncDispose]();
}, START_MS);

type Headers = NonNullable<Call["headers"]>;
const from = (origin: string): Headers => [["Origin", origin]];
const NOTICES = "/api/collections/notices/records";

const write = async (url: string, headers: Headers, more: Partial<Call> = {}): Promise<WireResponse> =>
  call(url, { path: NOTICES, json: { title: "by a page" }, headers, ...more });
const count = async (): Promise<number> =>
  Number(JSON.parse((await call(open.pb.url, { path: `${NOTICES}?perPage=1` })).text).totalItems);
const rawPost = (url: string, path: string, headers: Headers): Promise<WireResponse> =>
  exchange(url, { method: "POST", path, headers, body: '{"title":"x"}' });

const corsOf = (answer: WireResponse): string[] =>
  ["origin", "credentials", "methods", "headers"].flatMap(
    (name) => headOf(answer, `access-control-allow-${name}`) ?? [],
  );

const ALLOWED: readonly Headers[] = [
  from(APP),
  from("HTTPS://APP.EXAMPLE:443"),
  from("capacitor://localhost"),
  // Native clients and servers say nothing.
  [],
  [["Sec-Fetch-Site", "none"]],
  // The browser's own word that page and gateway are of one origin, whatever a proxy makes of Host.
  [["Sec-Fetch-Site", "same-origin"]],
  [...from("https://gateway.example"), ["Sec-Fetch-Site", "same-origin"]],
  [...from(APP), ["Sec-Fetch-Site", "cross-site"]],
];

const DENIED: readonly Headers[] = [
  from("https://evil.example"),
  from("null"),
  from(""),
  from("https://app.example.evil"),
  from("https://www.app.example"),
  from("http://app.example"),
  from("https://app.example:8443"),
  from("https://app.example@evil.example"),
  from(`${APP}, https://evil.example`),
  [...from(APP), ...from("https://evil.example")],
  [...from("https://evil.example"), ["Sec-Fetch-Site", "none"]],
  [["Sec-Fetch-Site", "cross-site"]],
  [["Sec-Fetch-Site", "same-site"]],
];

describe("with Security.Origins", () => {
  test.each(ALLOWED.map((headers) => [JSON.stringify(headers), headers] as const))(
    "AP2: %s may write",
    async (_, headers) => expect(verdictOf(await write(listed.url, headers))).toBe("200 -"),
  );

  test.each(DENIED.map((headers) => [JSON.stringify(headers), headers] as const))(
    "AP2, AP3: %s may not write, nor is it told that it may read",
    async (_, headers) => {
      const before = await count();
      const answer = await write(listed.url, headers);
      expect([verdictOf(answer), corsOf(answer)]).toEqual(["403 origin_denied", []]);
      expect(await count()).toBe(before);
    },
  );

  test("the page of the gateway itself may write", async () => {
    const { host } = new URL(listed.url);
    expect(verdictOf(await write(listed.url, from(`http://${host}`)))).toBe("200 -");
    // Who cannot say that it speaks https is not known to: TLS may end at a proxy that nobody named.
    expect(verdictOf(await write(listed.url, from(`https://${host}`)))).toBe("200 -");
    expect(verdictOf(await write(listed.url, from("http://127.0.0.1:1")))).toBe("403 origin_denied");
  });

  test.each([
    ["POST", "/api/collections/members/auth-with-password"],
    ["POST", "/api/collections/members/auth-refresh"],
    ["POST", "/api/batch"],
    ["POST", "/api/realtime"],
    ["POST", "/api/files/token"],
    ["PATCH", `${NOTICES}/notice000000001`],
    ["DELETE", `${NOTICES}/notice000000001`],
    ["PUT", "/custom/anything"],
    ["POST", "/auth/logout"],
    ["DELETE", "/auth/sessions"],
    ["POST", "/api/oauth2-redirect/x"],
  ])("AP2: a foreign page may not %s %s", async (method, path) => {
    const answer = await call(listed.url, { method, path, json: {}, headers: from("https://evil.example") });
    expect(verdictOf(answer)).toBe("403 origin_denied");
  });

  test("nothing is done before a page is refused: the token it brought still counts", async () => {
    const token = await login(listed.url, ADA);
    const headers = from("https://evil.example");
    await call(listed.url, { method: "POST", path: "/auth/logout", token, headers });
    expect(await verify(listed.url, token)).toBe(200);
    expect(await diariesSeen(listed.url, token)).toBe(1);
  });

  test("an identity provider's form_post reaches PocketBase", async () => {
    const answer = await call(listed.url, {
      method: "POST",
      path: "/api/oauth2-redirect",
      headers: [...from("https://appleid.apple.com"), ["Sec-Fetch-Site", "cross-site"]],
    });
    expect(headOf(answer, "x-hapta-error")).toBeUndefined();
  });

  test("AP2: answers name the listed page that asks, as it spells itself, and no other", async () => {
    const read = async (origin: string): Promise<string[]> =>
      corsOf(await call(listed.url, { path: NOTICES, headers: from(origin) }));
    expect(await read(APP)).toEqual([APP]);
    expect(await read("HTTPS://APP.EXAMPLE:443")).toEqual(["HTTPS://APP.EXAMPLE:443"]);
    for (const origin of ["https://evil.example", "null", "https://www.app.example", ""])
      expect(await read(origin)).toEqual([]);
    for (const path of ["/auth/verify", "/api/nope", "/hapta/live", "//x"]) {
      expect(corsOf(await call(listed.url, { path, headers: from("https://evil.example") }))).toEqual([]);
      const answer = await call(listed.url, { path, headers: from(APP) });
      expect([path, corsOf(answer)]).toEqual([path, [APP]]);
    }
  });

  test("AP2: a preflight tells only listed pages what they may send", async () => {
    const ask = async (origin: string): Promise<string[]> => {
      const wish: Headers = [
        ["Access-Control-Request-Method", "PATCH"],
        ["Access-Control-Request-Headers", "authorization"],
      ];
      return corsOf(
        await call(listed.url, { method: "OPTIONS", path: NOTICES, headers: [...from(origin), ...wish] }),
      );
    };
    expect(await ask(APP)).toEqual([APP, "GET,HEAD,PUT,PATCH,POST,DELETE", "authorization"]);
    expect(await ask("https://evil.example")).toEqual([]);
  });

  test("pages anywhere may be shown what everybody may read, as by a link or a picture", async () => {
    for (const site of ["cross-site", "same-site", "none"])
      expect((await call(listed.url, { path: NOTICES, headers: [["Sec-Fetch-Site", site]] })).status).toBe(
        200,
      );
  });

  test("AP4: JSON that needs no preflight is no write", async () => {
    const before = await count();
    for (const type of ["text/plain", "text/plain;charset=UTF-8", "application/octet-stream", ""]) {
      const headers: Headers = [["Content-Type", type], ...from(APP)];
      for (const path of [NOTICES, "/api/collections/members/auth-with-password", "/api/batch"]) {
        const answer = await rawPost(listed.url, path, headers);
        expect([path, verdictOf(answer)]).toEqual([path, "415 media_type_unsupported"]);
      }
    }
    expect(await count()).toBe(before);
  });
});

describe("without Security.Origins", () => {
  test("every page may write and read, as at PocketBase", async () => {
    for (const headers of [...ALLOWED, ...DENIED].filter(
      (one) => one.filter(([n]) => n === "Origin").length < 2,
    )) {
      const [direct, through] = [await write(open.pb.url, headers), await write(open.url, headers)];
      expect([through.status, corsOf(through)]).toEqual([direct.status, corsOf(direct)]);
      expect(direct.status).toBe(200);
    }
  });

  test("AP4: a record sent as text/plain is no write for PocketBase either", async () => {
    const before = await count();
    for (const url of [open.pb.url, open.url])
      expect((await rawPost(url, NOTICES, [["Content-Type", "text/plain"]])).status).toBe(400);
    expect(await count()).toBe(before);
  });

  test("/auth answers can be read by every page, refusals and all", async () => {
    const token = await login(open.url, ADA);
    const read = async (given?: string): Promise<string[]> =>
      corsOf(
        await call(open.url, { path: "/auth/verify", token: given, headers: from("https://any.example") }),
      );
    expect([await read(token), await read()]).toEqual([["*"], ["*"]]);
  });
});
