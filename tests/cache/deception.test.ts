// Cache deception and poisoning: paths that look like something else, parameters that hide others, and fields, bodies and
// methods that are no part of a key. Whoever asks afterwards gets what PocketBase gives them: CA5, CA6, CA8.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { IDS } from "../support/fixture/records.ts";
import { exchange, type WireRequest } from "../support/wire.ts";
import { type CacheKit, startCacheKit, type Who } from "./kit.ts";

setDefaultTimeout(30_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const ADA = `members/records/${IDS.ada}`;
const MAIL = "ada@example.com";

/** Asks Hapta, or PocketBase, in exactly these words. */
const ask = async (
  where: "hapta" | "upstream",
  path: string,
  { who, headers = [], ...rest }: Partial<Omit<WireRequest, "path">> & { readonly who?: "ada" } = {},
) => {
  const tokens = where === "hapta" ? kit.tokens : kit.upstream.world.tokens;
  const own = who === undefined ? [] : ([["Authorization", tokens[who]]] as const);
  const request = { ...rest, path: `/api/collections/${path}`, headers: [...own, ...headers] };
  const answer = await exchange(kit[where].url, request);
  return {
    status: answer.status,
    text: Buffer.from(answer.body).toString(),
    fields: JSON.stringify(answer.headers),
  };
};

describe("CA8", () => {
  test.each([
    ...[
      "/x.css",
      "/",
      "%2f",
      "%2Fx.css",
      "%23.css",
      "%3f.css",
      "\\x.css",
      "%5cx.css",
      ".css",
      ".",
      "~.js",
      ",a.css",
    ],
    ...[
      "%20.css",
      "+.css",
      "%09.css",
      "%0d%0a.css",
      "%252e.css",
      ":a.css",
      "@a.css",
      "!a.css",
      "$a.css",
      "&a.css",
    ],
    ...[
      "=a.css",
      "|a.css",
      "^.css",
      "#a.css",
      "%C0%AE.css",
      "%EF%BC%8F.css",
      "%u002e.css",
      "/..%2f.css",
      "/.css",
    ],
  ])(
    "an address with %s behind it is nobody's record, for a proxy that keeps by the ending",
    async (ending) => {
      await kit.warm(ADA, "ada");
      for (const round of ["cold", "warm"]) {
        const { status, text } = await ask("hapta", ADA + ending, { who: "ada" });
        expect(`${round} ${status >= 400} ${text.includes(MAIL)}`).toBe(`${round} true false`);
        expect((await ask("hapta", ADA + ending)).text).not.toContain(MAIL);
      }
    },
  );

  test.each([
    ["another case", `MEMBERS/records/${IDS.ada}`],
    ["an escaped letter", `%6dembers/records/${IDS.ada}`],
    ["the collection's id", `pbc_members0001/records/${IDS.ada}`],
    ["a parameter that looks like a file", `${ADA}?a.js`],
    ["a path in a parameter", `${ADA}?x=/a.css`],
  ])("with %s it is the same record, and each caller's own answer", async (_, path) => {
    for (const who of ["ada", undefined, "ada", undefined] as const) {
      const how = who === undefined ? {} : { who };
      const [got, want] = [await ask("hapta", path, how), await ask("upstream", path, how)];
      expect(`${who} ${got.status} ${got.text}`).toBe(`${who} ${want.status} ${want.text}`);
      expect(got.text.includes(MAIL)).toBe(who === "ada");
    }
  });
});

/** A cache in front that knows `Cache-Control` and `Vary`, but not that answers to `Authorization` are nobody else's. */
const createCarelessProxy = () => {
  const kept = new Map<string, string>();
  const varying = new Map<string, string>();
  let given = 0;
  const keyOf = (path: string, who: Who): string => {
    const hangsOnToken = varying.get(path)?.includes("Authorization") === true;
    return hangsOnToken ? `${path} ${who}` : path;
  };
  const read = async (path: string, who: Who): Promise<string> => {
    const known = kept.get(keyOf(path, who));
    if (known !== undefined) {
      given += 1;
      return known;
    }
    const { headers, text } = await kit.read(path, who);
    varying.set(path, headers.get("vary") ?? "");
    if (!/private|no-store/.test(headers.get("cache-control") ?? "")) kept.set(keyOf(path, who), text);
    return text;
  };
  return { read, given: () => given };
};

describe("a cache in front that takes no heed of Authorization", () => {
  const own = "diaries/records?sort=id";
  const paths = [own, ADA, `articles/records?expand=author`, "notices/records?perPage=12"];
  const orders: readonly (readonly Who[])[] = [
    ["ada", "ben", "guest"],
    ["guest", "ada", "ben"],
    ["superuser", "guest", "ada"],
  ];

  test.each(orders.map((order) => [order.join(", then "), order] as const))(
    "gives nobody another's: %s",
    async (_, order) => {
      for (const path of paths) {
        const proxy = createCarelessProxy();
        for (const who of [...order, ...order]) {
          const token = kit.upstream.world.tokens[who as "ada"];
          const headers = who === "guest" ? [] : ([["Authorization", token]] as const);
          const want = await exchange(kit.upstream.url, { path: `/api/collections/${path}`, headers });
          expect(`${path} ${who} ${await proxy.read(path, who)}`).toBe(`${path} ${who} ${want.text}`);
        }
      }
    },
  );

  test("may keep what guests read, and nothing of a login's, kept by Hapta or not", async () => {
    for (const path of paths)
      for (const who of ["guest", "ada", "superuser"] as const) {
        const proxy = createCarelessProxy();
        for (let i = 0; i < 3; i++) await proxy.read(path, who);
        expect(`${path} ${who} ${proxy.given()}`).toBe(`${path} ${who} ${who === "guest" ? 2 : 0}`);
      }
  });
});

describe("CA5 a stranger poisons nothing for others with", () => {
  const json: readonly (readonly [string, string])[] = [["Content-Type", "application/json"]];
  const form: readonly (readonly [string, string])[] = [
    ["Content-Type", "application/x-www-form-urlencoded"],
  ];
  const evil = (...names: string[]) => names.map((name) => [name, "evil.example"] as const);
  const cases: readonly (readonly [string, Partial<WireRequest>])[] = [
    ["a body in a GET", { headers: json, body: '{"perPage":1,"filter":"id=1"}' }],
    ["a form in a GET", { headers: form, body: "perPage=1&filter=id%3D1" }],
    ["a body in chunks", { headers: json, body: '{"perPage":1}', chunkBytes: 3 }],
    [
      "another method's name",
      { headers: evil("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override") },
    ],
    ["a real other method's name", { headers: [["X-HTTP-Method-Override", "DELETE"]] }],
    ["another host", { headers: [["Host", "evil.example"]] }],
    ["forwarding fields", { headers: evil("X-Forwarded-Host", "X-Forwarded-Server", "X-Host", "Forwarded") }],
    [
      "a forwarded scheme and port",
      { headers: evil("X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Forwarded-Port") },
    ],
    [
      "another address",
      { headers: [...evil("X-Forwarded-Prefix"), ["X-Original-URL", "/evil"], ["X-Rewrite-URL", "/evil"]] },
    ],
    ["what it accepts", { headers: evil("Accept", "Accept-Language", "Accept-Charset", "Accept-Encoding") }],
    ["who it is", { headers: evil("User-Agent", "Referer", "Cookie", "X-Forwarded-For", "True-Client-IP") }],
    ["another spelling of a field", { headers: evil("X_Forwarded_Host", "x-forwarded--host") }],
    ["a field too long", { headers: [["X-Long", "x".repeat(17_000)]] }],
    ["a field with a control character", { headers: [["X-Odd", "a\u0007b"]] }],
    ["a range", { headers: [["Range", "bytes=0-3"]] }],
    [
      "ranges",
      {
        headers: [
          ["Range", "bytes=0-3,9-12"],
          ["If-Range", '"x"'],
        ],
      },
    ],
    [
      "conditions",
      {
        headers: [
          ["If-Match", '"x"'],
          ["If-Unmodified-Since", "Mon, 01 Jan 1990 00:00:00 GMT"],
        ],
      },
    ],
    ["a page that may not read", { headers: [["Origin", "https://evil.example"]] }],
    ["a method in small letters", { method: "get" }],
    ["a HEAD", { method: "HEAD" }],
    ["an OPTIONS", { method: "OPTIONS", headers: evil("Access-Control-Request-Method") }],
    ["a token that is none", { headers: [["Authorization", "evil.example"]] }],
    [
      "a second Host",
      {
        headers: [
          ["Host", "localhost"],
          ["Host", "evil.example"],
        ],
      },
    ],
  ];

  test.each(cases.map(([name, request], i) => [name, request, 40 + i] as const))(
    "%s",
    async (_, request, perPage) => {
      const path = `notices/records?perPage=${perPage}`;
      // What it gets itself is not the point, nor whether it gets anything.
      await ask("hapta", path, request).catch(() => undefined);
      const want = await ask("upstream", path);
      for (const round of ["first", "second"]) {
        const got = await ask("hapta", path);
        expect(`${round} ${got.status} ${got.text}`).toBe(`${round} ${want.status} ${want.text}`);
        expect(got.fields).not.toContain("evil");
      }
    },
  );
});

test("CA6 no spelling of a query is taken for another one", async () => {
  const plain = "perPage=31&fields=id,title";
  const queries = [
    ...["perPage=1", "PERPAGE=1", "perpage=1", "perPage%20=1", "perPage=%31", "perPage=01"],
    ...[
      plain,
      `${plain}&utm_content=x%26perPage=1`,
      `${plain}&utm_content=x;perPage=1`,
      `${plain};perPage=1`,
    ],
    ...[
      `${plain}&perPage=1`,
      `perPage=1&${plain}`,
      `${plain}&PERPAGE=1`,
      `${plain}&perPage[]=1`,
      `${plain}&%70erPage=1`,
    ],
    ...[
      `${plain}&perPage%00=1`,
      `${plain}&perPage%20=1`,
      `${plain}&perPage=`,
      `${plain}&&`,
      `&${plain}`,
      `${plain}&=`,
    ],
    ...[`${plain}&filter=title~'a+b'`, `${plain}&filter=title~'a%2Bb'`, `${plain}&filter=title~'a%20b'`],
    ...[`${plain}&filter=title!='1'`, `${plain}&filter=title!=%271%27`, `${plain}&filter=title%21%3D'1'`],
    ...[
      `${plain}&filter=count>1%26%26done=true`,
      `${plain}&filter=count>1&&done=true`,
      `${plain}&filter=count>1`,
    ],
    ...[
      `${plain}&sort=-count`,
      `${plain}&sort=%2Bcount`,
      `${plain}&sort=+count`,
      `${plain}&sort=count`,
      `${plain}&sort=`,
    ],
    ...[
      `${plain}?perPage=1`,
      `${plain}%3FperPage=1`,
      `${plain}%26perPage=1`,
      `${plain}%23`,
      `${plain}@public`,
      `${plain}%40guests`,
    ],
    ...[
      `${plain}&page=2`,
      `${plain}&page=02`,
      `${plain}&page=2.0`,
      `${plain}&page=%32`,
      `${plain}&page=-1`,
      `${plain}&page=0`,
    ],
    ...[`${plain}&skipTotal=1`, `${plain}&skipTotal=true`, `${plain}&skipTotal=0`, `${plain}&skipTotal=`],
  ];
  // Both ways round: what is there first must not decide.
  for (const query of [...queries, ...queries.toReversed()]) {
    const path = `notices/records?${query}`;
    const [got, want] = [await ask("hapta", path), await ask("upstream", path)];
    const isRefused = want.status === 400 && got.status === 400;
    expect(`${query} ${got.status} ${isRefused ? "" : got.text}`).toBe(
      `${query} ${want.status} ${isRefused ? "" : want.text}`,
    );
  }
});
