// SU1-SU4 and the rows of Admin.Access: what only superusers may use does not exist for a public client, in no
// spelling and behind no header. Public means here: a loopback peer with a forwarding header and no trust.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { UserConfig } from "../../src/settings/schema.ts";
import { loginCallers, SUPERUSER } from "../support/fixture/load.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { exchange, type WireRequest } from "../support/wire.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { type RecordingUpstream, startRecordingUpstream } from "./rawUpstream.ts";

type Header = readonly [string, string];
const PUBLIC: Header = ["X-Forwarded-For", "203.0.113.7"];
const LONG_S = "%C5%BF";

/** Spellings of superuser-only resources; all must be a 404 that PocketBase never sees. */
const HIDDEN = [
  "/_/",
  "/_",
  "/%5f/",
  "/%5F/",
  "/_/index.html",
  "/_/%2e%2e/api",
  "//_/",
  "/api/../_/",
  "/./_/",
  "/_//x",
  "/x/../_/",
  "/x/%2e%2e/_/",
  "/api/settings",
  "/API/settings",
  "/api/SETTINGS",
  "/api/%73ettings",
  "/api/settings/",
  "/api/settings/test/email",
  "/Api/Settings",
  "/api/logs",
  "/api/logs/stats",
  "/api/backups",
  "/api/backups/x.zip",
  "/api/backups/x.zip?token=t",
  "/api/crons",
  "/api/crons/x",
  "/api/sql",
  "/api/collections",
  "/api/collections/",
  "/api/collections/posts",
  "/api/collections/import",
  "/api/collections/meta/scaffolds",
  "/api/Collections/posts",
  "/api/collections/posts/truncate",
  "/api/collections/posts/TRUNCATE",
  "/api/collections/users/impersonate/abc",
  "/api/collections/users/%69mpersonate/abc",
  "/api/collections/_superusers/records",
  "/api/collections/_superusers/records/x",
  "/api/collections/_SUPERUSERS/records",
  "/api/collections/_Superusers/auth-with-password",
  "/api/collections/%5Fsuperusers/auth-with-password",
  "/api/collections/_%73uperusers/auth-refresh",
  "/api/collections/_superusers/auth-with-password",
  "/api/collections/_superusers/request-otp",
  "/api/collections/_superusers/auth-with-otp",
  "/api/collections/_superusers/auth-methods",
  "/api/collections/_superusers/confirm-password-reset",
  "/api/collections/pbc_3142635823/auth-with-password",
  "/api/collections/PBC_3142635823/records",
  "/api/collections/%70bc_3142635823/records",
  `/api/collections/_${LONG_S}uperusers/auth-with-password`,
  `/api/collections/_superu${LONG_S}ers/auth-with-password`,
  `/api/collections/_${LONG_S}uperu${LONG_S}er${LONG_S}/records`,
  `/api/collections/_%c5%bfuperusers/auth-refresh`,
  `/api/collections/_${LONG_S}UPERUSERS/request-otp`,
];

/** Refused as malformed rather than hidden; PocketBase must not see these either. */
const INVALID = [
  "/%2f_/",
  "/_%2f",
  "/_;/",
  "/_/;x",
  "/api/settings;x=1",
  "/api%2fsettings",
  "/api%5csettings",
  "/_\\",
  "/_%00/",
  "/api/settings%0a",
  "/%u005f/",
  "/api/sett\xefngs",
];

const METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"];

describe("SU1", () => {
  let upstream: RecordingUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    upstream = await startRecordingUpstream();
    gateway = startGateway(upstream.url);
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  for (const path of HIDDEN) {
    test(`is 404 for every method: ${path}`, async () => {
      const before = upstream.requests.length;
      for (const method of METHODS) {
        const answer = await exchange(gateway.url, { method, path, headers: [PUBLIC] });
        expect(`${method} ${answer.status} ${headOf(answer, "x-hapta-error")}`).toBe(
          `${method} 404 not_found`,
        );
        if (method !== "HEAD")
          expect(answer.text).toBe(
            '{"data":{},"message":"The requested resource wasn\'t found.","status":404}\n',
          );
      }
      expect(upstream.requests.length - before).toBe(0);
    });
  }

  test("malformed spellings are 400 and go nowhere", async () => {
    const before = upstream.requests.length;
    for (const path of INVALID) {
      const answer = await exchange(gateway.url, { path, headers: [PUBLIC] });
      expect(`${path} ${answer.status}`).toBe(`${path} 400`);
    }
    expect(upstream.requests.length - before).toBe(0);
  });

  test("names that only look alike are nobody's secret and are relayed", async () => {
    for (const path of [
      "/__/",
      "/_x/",
      "/%c0%af_/",
      "/api/settings2",
      "/api/collections/_superusers2/records",
      "/api/collections/users/records",
      "/apis/settings",
    ]) {
      const answer = await exchange(gateway.url, { path, headers: [PUBLIC] });
      expect(`${path} ${answer.status}`).toBe(`${path} 200`);
    }
  });

  test("overrides do not turn a harmless request into one of these", async () => {
    const before = upstream.requests.length;
    const overrides: Header[] = [
      ["X-Original-URL", "/_/"],
      ["X-Rewrite-URL", "/api/settings"],
      ["X-HTTP-Method-Override", "DELETE"],
      ["X-HTTP-Method", "DELETE"],
      ["X-Method-Override", "DELETE"],
      ["X-Forwarded-Path", "/_/"],
    ];
    await exchange(gateway.url, { path: "/api/health", headers: overrides });
    const [seen] = upstream.requests.slice(before);
    expect(seen?.requestLine).toBe("GET /api/health HTTP/1.1");
    expect(seen?.headers.map(([name]) => name).sort()).toEqual(["Host", "X-Forwarded-For"]);
  });
});

/** Status of a guest's request for the settings under a configuration. */
const statusUnder = async (config: UserConfig, headers: readonly Header[]): Promise<number> => {
  await using upstream = await startRecordingUpstream();
  await using gateway = startGateway(upstream.url, { config });
  return (await exchange(gateway.url, { path: "/api/settings", headers })).status;
};

/** Every header by which a proxy may say that it asks for somebody else. */
const FORWARDED: readonly Header[] = [
  PUBLIC,
  ["X-Forwarded-For", "127.0.0.1"],
  ["X-Forwarded-For", "10.0.0.1, 127.0.0.1"],
  ["X-Forwarded-For", ""],
  ["x-forwarded-for", "::1"],
  ["Forwarded", "for=127.0.0.1"],
  ["X-Real-IP", "127.0.0.1"],
  ["X-Forwarded-Host", "app.test"],
  ["X-Forwarded-Proto", "https"],
  ["X-Forwarded-Port", "443"],
  ["X-Forwarded-Server", "web1"],
  ["X-Forwarded-Ssl", "on"],
  ["X-Forwarded", "for=127.0.0.1"],
  ["X-Original-Forwarded-For", "127.0.0.1"],
  ["X-Original-Host", "app.test"],
  ["X-Client-IP", "127.0.0.1"],
  ["Client-IP", "127.0.0.1"],
  ["X-Cluster-Client-IP", "127.0.0.1"],
  ["Fastly-Client-IP", "127.0.0.1"],
  ["True-Client-IP", "127.0.0.1"],
  ["CF-Connecting-IP", "127.0.0.1"],
  ["CF-Ray", "1"],
  ["Fly-Client-IP", "127.0.0.1"],
  ["X-Envoy-External-Address", "127.0.0.1"],
  ["X-Appengine-User-IP", "127.0.0.1"],
  ["X-Azure-ClientIP", "127.0.0.1"],
  ["Via", "1.1 proxy"],
  ["X_Forwarded_For", "127.0.0.1"],
];

describe("Admin.Access", () => {
  test("private: a direct loopback client sees it", async () => {
    expect(await statusUnder({}, [])).toBe(200);
    expect(await statusUnder({ Admin: { Access: "private" } }, [["Connection", "keep-alive"]])).toBe(200);
  });

  test.each(FORWARDED.map(([name, value]) => ({ name, value })))(
    "private: not behind an unknown proxy with $name: $value",
    async ({ name, value }) => {
      expect(await statusUnder({}, [[name, value]])).toBe(404);
      // Naming the header a hop-by-hop one does not hide it.
      expect(
        await statusUnder({}, [
          [name, value],
          ["Connection", `close, ${name}`],
        ]),
      ).toBe(404);
      // An allow-list names clients, not proxies that relay the world.
      expect(await statusUnder({ Admin: { AllowIPs: ["127.0.0.0/8"] } }, [[name, value]])).toBe(404);
    },
  );

  test("private, behind a trusted proxy: by the address it names", async () => {
    const trusted = { Network: { TrustedProxies: ["127.0.0.1"] } };
    expect(await statusUnder(trusted, [["X-Forwarded-For", "203.0.113.7"]])).toBe(404);
    expect(await statusUnder(trusted, [["X-Forwarded-For", "127.0.0.1, 203.0.113.7"]])).toBe(404);
    expect(
      await statusUnder(trusted, [
        ["X-Forwarded-For", "10.0.0.5"],
        ["X-Forwarded-For", "203.0.113.7"],
      ]),
    ).toBe(404);
    expect(await statusUnder(trusted, [["X-Forwarded-For", "203.0.113.7, 10.0.0.5"]])).toBe(200);
    expect(await statusUnder(trusted, [["X-Forwarded-For", "garbage"]])).toBe(404);
    expect(await statusUnder(trusted, [["X-Real-IP", "10.0.0.5"]])).toBe(404);
  });

  test("an allow-list adds addresses to private", async () => {
    const config = {
      Network: { TrustedProxies: ["127.0.0.1"] },
      Admin: { AllowIPs: ["203.0.113.0/24", "2001:db8::/32"] },
    };
    expect(await statusUnder(config, [["X-Forwarded-For", "203.0.113.7"]])).toBe(200);
    expect(await statusUnder(config, [["X-Forwarded-For", "::ffff:203.0.113.7"]])).toBe(200);
    expect(await statusUnder(config, [["X-Forwarded-For", "2001:db8::9"]])).toBe(200);
    expect(await statusUnder(config, [["X-Forwarded-For", "203.0.114.7"]])).toBe(404);
  });

  test("public: everybody; off: nobody", async () => {
    expect(await statusUnder({ Admin: { Access: "public" } }, [PUBLIC])).toBe(200);
    expect(await statusUnder({ Admin: { Access: "off" } }, [])).toBe(404);
    expect(await statusUnder({ Admin: { Access: "off", AllowIPs: [] } }, [PUBLIC])).toBe(404);
  });
});

describe("RL3, RL4 on the wire", () => {
  test("PocketBase hears one client address, and it is the one Hapta resolved", async () => {
    await using upstream = await startRecordingUpstream();
    await using direct = startGateway(upstream.url);
    await using trusting = startGateway(upstream.url, {
      config: { Network: { TrustedProxies: ["127.0.0.1"] } },
    });
    for (const header of FORWARDED) await exchange(direct.url, { path: "/api/health", headers: [header] });
    for (const { headers } of upstream.requests) {
      expect(headers.filter(([name]) => name !== "Host")).toEqual([["X-Forwarded-For", "127.0.0.1"]]);
    }
    const many = Array.from({ length: 50 }, (_, i): Header => ["X-Forwarded-For", `10.0.0.${i}`]);
    await exchange(trusting.url, {
      path: "/api/health",
      headers: [...many, ["x-FORWARDED-for", "::ffff:203.0.113.7"]],
    });
    expect(upstream.requests.at(-1)?.headers.filter(([name]) => name !== "Host")).toEqual([
      ["X-Forwarded-For", "203.0.113.7"],
    ]);
  });
});

describe("against PocketBase itself", () => {
  let pocketbase: PocketBase;
  let gateway: TestGateway;
  beforeAll(async () => {
    pocketbase = await startPocketBase();
    gateway = startGateway(pocketbase.url);
  }, 60_000);
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await pocketbase[Symbol.asyncDispose]();
  });

  const login = (path: string, to: string, headers: readonly Header[] = []): Promise<WireResponse> =>
    exchange(to, {
      method: "POST",
      path,
      headers: [["Content-Type", "application/json"], ...headers],
      body: JSON.stringify({ identity: SUPERUSER.email, password: SUPERUSER.password }),
    });

  test("every spelling under which PocketBase itself logs a superuser in is hidden", async () => {
    let dangerous = 0;
    for (const path of HIDDEN.filter((hidden) => hidden.endsWith("/auth-with-password"))) {
      const bare = await login(path, pocketbase.url);
      if (bare.status === 200) dangerous++;
      expect(`${path} ${(await login(path, gateway.url, [PUBLIC])).status}`).toBe(`${path} 404`);
    }
    // The list must hold real attacks, the folded letters among them.
    expect(dangerous).toBeGreaterThanOrEqual(6);
    expect(
      (await login(`/api/collections/_${LONG_S}uperusers/auth-with-password`, pocketbase.url)).status,
    ).toBe(200);
  });

  const asSuperuser = (
    request: Omit<WireRequest, "headers">,
    authorization: string,
    headers: readonly Header[] = [PUBLIC],
  ) => exchange(gateway.url, { ...request, headers: [...headers, ["Authorization", authorization]] });

  test("SU2: a superuser's token is refused from a public address, in every form PocketBase accepts", async () => {
    const { superuser, ada } = await loginCallers(gateway.url);
    for (const form of [superuser, `Bearer ${superuser}`, `bearer ${superuser}`, `BEARER ${superuser}`]) {
      for (const path of ["/api/collections/ledgers/records", "/custom/hello", "/api/files/token"]) {
        const answer = await asSuperuser({ path }, form);
        expect(`${answer.status} ${headOf(answer, "x-hapta-error")}`).toBe("401 superuser_refused");
      }
    }
    const direct = await asSuperuser({ path: "/api/collections/ledgers/records" }, superuser, []);
    expect(direct.status).toBe(200);
    expect((await asSuperuser({ path: "/api/collections/articles/records" }, ada)).status).toBe(200);
  });

  test("SU2: no spelling of the token that Hapta lets through as somebody else's is a superuser to PocketBase", async () => {
    const { superuser } = pocketbase.world.tokens;
    const [header = "", payload = "", signature = ""] = superuser.split(".");
    const spellings = [
      `${superuser}=`,
      `${superuser}.`,
      `.${superuser}`,
      `${header}.${payload}=.${signature}`,
      `${header}.${payload}==.${signature}`,
      `${header}.${payload.replaceAll("-", "+")}.${signature}`,
      `Bearer${superuser}`,
      `Bearer: ${superuser}`,
      `Token ${superuser}`,
      `Basic ${superuser}`,
      `JWT ${superuser}`,
      `"${superuser}"`,
      `Bearer ${superuser} x`,
      `x ${superuser}`,
      `${superuser};`,
      `${header}.!${payload}.${signature}`,
      `${header}.${payload}%3D.${signature}`,
    ];
    for (const spelling of spellings) {
      const answer = await asSuperuser({ path: "/api/collections/ledgers/records" }, spelling);
      expect(`${spelling.slice(0, 12)} ${answer.status}`).not.toEndWith(" 200");
    }
  });

  test("authorization fields that can be read two ways are refused", async () => {
    const { superuser, ada } = pocketbase.world.tokens;
    const rows: readonly (readonly Header[])[] = [
      [
        ["Authorization", ada],
        ["Authorization", superuser],
      ],
      [
        ["Authorization", ada],
        ["authorization", ada],
      ],
      [["Authorization", `${ada}, ${superuser}`]],
      [["Authorization", `${ada},${superuser}`]],
      [["Authorization", `Bearer  ${ada}`]],
      [["Authorization", `Bearer\t${ada}`]],
      [["Authorization", `${ada}\xa0`]],
      [
        ["Authorization", ""],
        ["Authorization", superuser],
      ],
      [["Authorization", "x".repeat(5_000)]],
    ];
    for (const headers of rows) {
      const answer = await exchange(gateway.url, { path: "/api/collections/ledgers/records", headers });
      expect(`${answer.status} ${headOf(answer, "x-hapta-error")}`).toBe("400 authorization_invalid");
    }
  });

  test("SU3: a forged address does not get past PocketBase's own list of superuser addresses", async () => {
    const settings = (body: unknown): Promise<WireResponse> =>
      exchange(pocketbase.url, {
        method: "PATCH",
        path: "/api/settings",
        headers: [
          ["Authorization", pocketbase.world.tokens.superuser],
          ["Content-Type", "application/json"],
          ["X-Forwarded-For", "192.0.2.1"],
        ],
        body: JSON.stringify(body),
      });
    expect((await settings({ superuserIPs: ["192.0.2.1"] })).status).toBe(200);
    try {
      for (const header of [
        ["X-Forwarded-For", "192.0.2.1"],
        ["X-Real-IP", "192.0.2.1"],
        ["X_Forwarded_For", "192.0.2.1"],
      ] as const) {
        const answer = await login("/api/collections/_superusers/auth-with-password", gateway.url, [header]);
        expect(answer.status).toBe(404);
      }
      const direct = await login("/api/collections/_superusers/auth-with-password", gateway.url);
      expect(direct.status).toBe(403);
    } finally {
      expect((await settings({ superuserIPs: [] })).status).toBe(200);
    }
  });

  test("a batch cannot reach the superusers for a public client", async () => {
    const { ada } = pocketbase.world.tokens;
    const urls = [
      "/api/collections/_superusers/records",
      "/api/collections/_SUPERUSERS/records",
      "/api/collections/pbc_3142635823/records",
      "/api/collections/%5Fsuperusers/records",
      `/api/collections/_${LONG_S}uperusers/records`,
      "/api/collections/_\u017fuperusers/records",
      "/api/collections/notices/../_superusers/records",
      "//api/collections/_superusers/records",
      "http://x/api/collections/_superusers/records",
      "/api/collections/_superusers/records#",
      "/api/settings",
      "/_/",
      "/api/collections/_superusers/auth-with-password",
      "/api/batch",
    ];
    for (const url of urls) {
      const answer = await exchange(gateway.url, {
        method: "POST",
        path: "/api/batch",
        headers: [PUBLIC, ["Authorization", ada], ["Content-Type", "application/json"]],
        body: JSON.stringify({
          requests: [
            {
              method: "POST",
              url,
              body: { email: "x@y.z", password: "1234567890", passwordConfirm: "1234567890" },
            },
          ],
        }),
      });
      expect(`${url} ${answer.status}`).toBe(`${url} 400`);
      expect(headOf(answer, "x-hapta-error")).toBe("batch_invalid");
    }
  });
});
