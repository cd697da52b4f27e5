// Rate limits over HTTP: who is counted as whom, what is told, and what cannot be evaded. RL rows of the design by id.
// RL17, the same client at several nodes, does not apply: Hapta runs as one process and refuses settings that ask for more.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { MOBILE, SERVER, signed } from "../apps/support.ts";
import { eventually } from "../support/eventually.ts";
import type { WireRequest } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import { countOf, repeat, SAMPLE, startLimited } from "./support.ts";

setDefaultTimeout(60_000);

const LIST: WireRequest = { path: "/api/collections/posts/records" };
const get = (path: string, ...headers: (readonly [string, string])[]): WireRequest => ({ path, headers });

describe("rate limits", () => {
  test("the sample config: ten a minute and address, told before and after", async () => {
    await using hapta = await startLimited({ ratelimit: SAMPLE });
    const first = await hapta.send(LIST);
    expect(first.status).toBe(200);
    expect(headOf(first, "ratelimit-policy")).toBe('"default";q=10;w=60');
    expect(headOf(first, "ratelimit")).toBe('"default";r=9;t=6');
    expect(await hapta.statuses(repeat(9, LIST))).toEqual(repeat(9, 200));

    const refused = await hapta.send({ ...LIST, headers: [["Origin", "https://app.example"]] });
    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.text)).toEqual({ data: {}, message: SAMPLE.Message, status: 429 });
    expect(headOf(refused, "content-type")).toBe("application/json");
    expect(headOf(refused, "x-hapta-error")).toBe("rate_limited");
    expect(headOf(refused, "x-request-id")).toBeDefined();
    expect(headOf(refused, "access-control-allow-origin")).toBe("*");
    expect(headOf(refused, "access-control-expose-headers")).toContain("Retry-After");
    expect(headOf(refused, "ratelimit-policy")).toBe('"default";q=10;w=60');
    const told = /^"default";r=0;t=(\d+)$/.exec(headOf(refused, "ratelimit") ?? "")?.[1];
    expect(Number(told)).toBeWithin(4, 7);
    expect(Number(headOf(refused, "retry-after"))).toBeWithin(Number(told), Number(told) + 3);
    expect(hapta.seen).toHaveLength(10);

    const problem = await hapta.send({ ...LIST, headers: [["Accept", "application/problem+json"]] });
    expect(headOf(problem, "content-type")).toBe("application/problem+json");
    expect(JSON.parse(problem.text)).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      status: 429,
      detail: SAMPLE.Message,
      "violated-policies": ["default"],
    });
    // Somebody else is not concerned, and health never is.
    expect(await hapta.statuses(repeat(3, LIST), "127.0.0.2")).toEqual([200, 200, 200]);
    expect(await hapta.statuses(repeat(30, get("/hapta/live")))).toEqual(repeat(30, 200));
    expect(await hapta.statuses(repeat(30, get("/api/health")))).toEqual(repeat(30, 200));
  });

  test("isEnabled: false switches everything off", async () => {
    await using hapta = await startLimited({ ratelimit: { ...SAMPLE, isEnabled: false } });
    expect(await hapta.statuses(repeat(30, LIST))).toEqual(repeat(30, 200));
    expect(headOf(await hapta.send(LIST), "ratelimit")).toBeUndefined();
  });

  test("RL3: forwarding headers of a peer nobody trusts change nothing", async () => {
    await using hapta = await startLimited({ ratelimit: SAMPLE });
    const spoofs = Array.from({ length: 50 }, (_, i): WireRequest => {
      const address = [`203.0.113.${i}`, "127.0.0.1", "garbage", `2001:db8::${i}`][i % 4] ?? "";
      const name = ["X-Forwarded-For", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"][i % 4] ?? "";
      return get(
        LIST.path,
        [name, address],
        ["Forwarded", `for=${address}`],
        ["X-Forwarded-For", `10.9.8.${i}`],
      );
    });
    expect(countOf(await hapta.statuses(spoofs), 200)).toBe(10);
    expect(hapta.seen).toHaveLength(10);
  });

  test("a proxy of one's own that nobody trusts is named in the log, once; a trusted one is not", async () => {
    const forwarded = get(LIST.path, ["X-Forwarded-For", "203.0.113.7"], ["X-Forwarded-Proto", "https"]);
    await using strange = await startLimited({ ratelimit: SAMPLE });
    await strange.statuses(repeat(3, forwarded));
    const said = "127.0.0.1 forwards requests but is not in Network.TrustedProxies";
    await eventually(() => strange.output().includes(said), 5_000);
    await eventually(() => strange.output().includes("cookies have no Secure though it says https"), 5_000);
    expect(strange.output().split(said)).toHaveLength(2);
    await using known = await startLimited({
      ratelimit: SAMPLE,
      Network: { TrustedProxies: ["loopback"] },
    });
    await known.statuses(repeat(3, forwarded));
    expect(known.output()).not.toContain(said);
  });

  test("RL4: behind a trusted proxy the right-most entry nobody trusts counts", async () => {
    await using hapta = await startLimited({
      ratelimit: SAMPLE,
      Network: { TrustedProxies: ["loopback", "10.0.0.0/8"] },
    });
    const lies = Array.from({ length: 30 }, (_, i) =>
      get(LIST.path, ["X-Forwarded-For", `198.51.100.${i}, 203.0.113.7, 10.1.2.${i}`]),
    );
    expect(countOf(await hapta.statuses(lies), 200)).toBe(10);
    const other = get(LIST.path, ["X-Forwarded-For", "203.0.113.8"]);
    expect(countOf(await hapta.statuses(repeat(12, other)), 200)).toBe(10);
    // RL1, RL2: one /64 is one client, and a mapped address is the plain one.
    const rotating = Array.from({ length: 30 }, (_, i) =>
      get(LIST.path, ["X-Forwarded-For", `2001:db8:5:5::${i.toString(16)}`]),
    );
    expect(countOf(await hapta.statuses(rotating), 200)).toBe(10);
    expect(await hapta.statuses([get(LIST.path, ["X-Forwarded-For", "::ffff:203.0.113.7"])])).toEqual([429]);
  });

  test("RL5: every spelling of a path is the same bucket or refused", async () => {
    await using hapta = await startLimited({
      ratelimit: {
        ...SAMPLE,
        Max: 1000,
        Rules: [
          { Name: "posts", Collection: "posts", Max: 4 },
          { Name: "reports", Path: "/custom/report/**", Max: 4 },
        ],
      },
    });
    const posts = [
      get("/api/collections/posts/records"),
      get("/api/collections/POSTS/records"),
      get("/api/collections/p%6Fsts/records"),
      { ...get("/api/collections/posts/records"), method: "HEAD" },
      get("/api/collections/posts/records/abc"),
      { ...get("/api/collections/posts/records"), method: "POST" },
    ];
    expect(countOf(await hapta.statuses(posts), 200)).toBe(4);
    const odd = ["/api/collections/posts;x/records", "/api//collections/posts/records"];
    for (const path of odd) expect([400, 404]).toContain((await hapta.send(get(path))).status);
    const reports = [
      "/custom/report",
      "/CUSTOM/Report/a",
      "/custom/%72eport/b",
      "/custom/report/",
      "/custom/report?x",
    ];
    expect(await hapta.statuses(reports.map((path) => get(path)))).toEqual([200, 200, 200, 200, 429]);
  });

  test("RL6, RL7: noise in the query, upgrades, overrides and preflights buy nothing", async () => {
    await using hapta = await startLimited({ ratelimit: SAMPLE });
    const noisy = Array.from({ length: 4 }, (_, i) => get(`${LIST.path}?_=${i}`));
    const upgrades = repeat(4, get(LIST.path, ["Connection", "Upgrade"], ["Upgrade", "websocket"]));
    const overrides = repeat(4, get(LIST.path, ["X-HTTP-Method-Override", "OPTIONS"]));
    expect(countOf(await hapta.statuses([...noisy, ...upgrades, ...overrides]), 200)).toBe(10);
    const preflight: WireRequest = {
      method: "OPTIONS",
      path: LIST.path,
      headers: [
        ["Origin", "https://a.example"],
        ["Access-Control-Request-Method", "GET"],
      ],
    };
    // A tenth of a read each.
    expect(countOf(await hapta.statuses(repeat(120, preflight), "127.0.0.3"), 200)).toBeWithin(99, 104);
  });

  test("costs: pages, relations, uploads, logins", async () => {
    await using hapta = await startLimited({ ratelimit: { ...SAMPLE, Max: 100 } }, async (request) => {
      await request.arrayBuffer();
      return Response.json({});
    });
    const left = async (request: WireRequest, from: string): Promise<number> =>
      Number(/r=(\d+)/.exec(headOf(await hapta.send(request, from), "ratelimit") ?? "")?.[1]);
    const login: WireRequest = {
      method: "POST",
      path: "/api/collections/users/auth-with-password",
      headers: [["Content-Type", "application/json"]],
      body: '{"identity":"a","password":"b"}',
    };
    expect(await left(LIST, "127.0.1.1")).toBe(99);
    expect(await left(get(`${LIST.path}?perPage=100`), "127.0.1.2")).toBe(99);
    expect(await left(get(`${LIST.path}?perPage=500`), "127.0.1.3")).toBe(95);
    expect(await left(get(`${LIST.path}?per%50age=1000000`), "127.0.1.4")).toBe(90);
    expect(await left(get(`${LIST.path}?expand=a,b.c.d`), "127.0.1.5")).toBe(96);
    expect(await left(login, "127.0.1.6")).toBe(95);
    const upload = { method: "POST", path: LIST.path, body: Buffer.alloc(3 * 1_048_576 + 5) };
    expect(await left(upload, "127.0.1.7")).toBe(96);
    const batch: WireRequest = {
      method: "POST",
      path: "/api/batch",
      headers: [["Content-Type", "application/json"]],
      body: JSON.stringify({
        requests: [{ method: "POST", url: LIST.path, body: { text: "x".repeat(3 * 1_048_576) } }],
      }),
    };
    expect(await left(batch, "127.0.1.9")).toBe(96);
    // In chunks its length is known only at the end, and counts from then on.
    expect(await left({ ...upload, chunkBytes: 65_536 }, "127.0.1.8")).toBe(99);
    expect(await left(LIST, "127.0.1.8")).toBe(95);
  });

  test("RL12: a batch is the sum of its parts, and a refused one reaches nobody and costs nothing", async () => {
    await using hapta = await startLimited({ ratelimit: { ...SAMPLE, Max: 50 } });
    const batch = (count: number): WireRequest => ({
      method: "POST",
      path: "/api/batch",
      headers: [["Content-Type", "application/json"]],
      body: JSON.stringify({
        requests: repeat(count, { method: "POST", url: "/api/collections/posts/records", body: {} }),
      }),
    });
    expect(await hapta.statuses([batch(60), batch(60)])).toEqual([429, 429]);
    expect(hapta.seen).toEqual([]);
    const whole = await hapta.send(batch(50));
    expect([whole.status, headOf(whole, "ratelimit")]).toEqual([200, '"default";r=0;t=60']);
    expect(await hapta.statuses([batch(1), LIST])).toEqual([429, 429]);
  });

  test("RL12: rules for a collection or an action count the parts of a batch", async () => {
    const Rules = [{ Name: "new-posts", Collection: "posts", Action: "create", Max: 5 }];
    await using hapta = await startLimited({ ratelimit: { ...SAMPLE, Max: 1000, Rules } });
    const item = (method: string, collection: string) => ({
      method,
      url: `/api/collections/${collection}/records`,
      body: {},
    });
    const batch = (...requests: unknown[]): WireRequest => ({
      method: "POST",
      path: "/api/batch",
      headers: [["Content-Type", "application/json"]],
      body: JSON.stringify({ requests }),
    });
    const mixed = batch(...repeat(5, item("POST", "posts")), ...repeat(20, item("POST", "others")));
    const create = { method: "POST", path: LIST.path, body: "{}" };
    expect(await hapta.statuses([batch(...repeat(6, item("POST", "Posts"))), mixed, create, LIST])).toEqual([
      429, 200, 429, 200,
    ]);
  });

  test("RL12: the parts of a batch in a form count as those in JSON", async () => {
    const Rules = [{ Name: "new-posts", Collection: "posts", Action: "create", Max: 5 }];
    await using hapta = await startLimited({ ratelimit: { ...SAMPLE, Max: 50, Rules } });
    const batch = (collection: string, count: number): WireRequest => {
      const item = { method: "POST", url: `/api/collections/${collection}/records`, body: {} };
      const payload = JSON.stringify({ requests: repeat(count, item) });
      return {
        method: "POST",
        path: "/api/batch",
        headers: [["Content-Type", "multipart/form-data; boundary=BB"]],
        body: `--BB\r\nContent-Disposition: form-data; name="@jsonPayload"\r\n\r\n${payload}\r\n--BB--\r\n`,
      };
    };
    expect(await hapta.statuses([batch("others", 60), batch("posts", 6)])).toEqual([429, 429]);
    expect(hapta.seen).toEqual([]);
    expect(await hapta.statuses([batch("posts", 5), batch("posts", 1), batch("others", 45), LIST])).toEqual([
      200, 429, 200, 429,
    ]);
  });

  test("RL12: a rule by weight for batches alone counts the weight of their parts", async () => {
    const Rules = [{ Name: "batches", Path: "/api/batch", Max: 8, Cost: "weight" }];
    await using hapta = await startLimited({ ratelimit: { ...SAMPLE, Max: 1000, Rules } });
    const batch: WireRequest = {
      method: "POST",
      path: "/api/batch",
      headers: [["Content-Type", "application/json"]],
      body: JSON.stringify({ requests: repeat(5, { method: "POST", url: LIST.path, body: {} }) }),
    };
    const first = await hapta.send(batch);
    expect(headOf(first, "ratelimit")).toBe('"batches";r=3;t=38');
    expect(await hapta.statuses([batch, LIST])).toEqual([429, 200]);
  });

  test("an app is counted by its signature, signed in or not, wherever it calls from", async () => {
    const Rules = [{ Name: "per-app", By: ["app"], Max: 2 }];
    const config = { ratelimit: { ...SAMPLE, Max: 1000, Rules }, Security: { Apps: [MOBILE, SERVER] } };
    await using hapta = await startLimited(config);
    const asMobile = (): WireRequest => signed(LIST);
    expect(await hapta.statuses([asMobile(), asMobile(), asMobile()])).toEqual([200, 200, 429]);
    expect(await hapta.statuses([asMobile()], "127.0.0.2")).toEqual([429]);
    const asServer = signed(LIST, { id: SERVER.Id, secret: SERVER.Secret });
    expect(await hapta.statuses([asServer, LIST])).toEqual([200, 200]);
  });

  test("bodies of callers who are over their limit are not read", async () => {
    await using hapta = await startLimited({ ratelimit: { ...SAMPLE, Max: 2 } });
    expect(await hapta.statuses([LIST, LIST])).toEqual([200, 200]);
    const login: WireRequest = {
      method: "POST",
      path: "/api/collections/users/auth-with-password",
      headers: [
        ["Content-Type", "application/json"],
        ["Content-Length", "100000"],
        ["Expect", "100-continue"],
      ],
    };
    // Not a byte of it was sent, and nobody asked for one.
    expect((await hapta.send(login)).status).toBe(429);
  });

  test("bodies that were read and refused have a budget of their own, whoever says to be asking", async () => {
    await using hapta = await startLimited({
      ratelimit: { ...SAMPLE, Max: 10_000, IP: false },
      Network: { TrustedProxies: ["loopback"] },
    });
    const spoilt = (path: string, body: string, address = "203.0.113.7"): WireRequest => ({
      method: "POST",
      path,
      headers: [
        ["Content-Type", "application/json"],
        ["Authorization", "whoever"],
        ["X-Forwarded-For", address],
      ],
      body,
    });
    const twice = spoilt("/api/collections/users/auth-with-password", '{"identity":"a","IDENTITY":"b"}');
    // A second one comes back every second.
    expect(countOf(await hapta.statuses(repeat(80, twice)), 400)).toBeWithin(60, 70);
    const refused = await hapta.send(twice);
    expect([refused.status, headOf(refused, "x-hapta-error")]).toEqual([429, "rate_limited"]);
    expect(await hapta.statuses([LIST])).toEqual([200]);
    const large = spoilt("/api/batch", `{"requests":[${" ".repeat(29 * 1_048_576)}}`, "203.0.113.8");
    // Thirty each; what comes back while they are read is for one more at most.
    const statuses = await hapta.statuses(repeat(4, large));
    expect([statuses[0], statuses[1], statuses[3]]).toEqual([400, 400, 429]);
    expect(hapta.seen).toHaveLength(1);
  });

  test("shadow: rules are told apart from those that refuse", async () => {
    await using hapta = await startLimited({ ratelimit: { ...SAMPLE, Shadow: true } });
    expect(await hapta.statuses(repeat(30, LIST))).toEqual(repeat(30, 200));
    expect(headOf(await hapta.send(LIST), "ratelimit-policy")).toBeUndefined();
  });

  test("RL19: tokens too long to be any are refused before anybody looks into them", async () => {
    await using hapta = await startLimited({ ratelimit: SAMPLE });
    const token = (length: number) => get(LIST.path, ["Authorization", `a.b.${"c".repeat(length)}`]);
    expect((await hapta.send(token(5_000))).status).toBe(400);
    expect((await hapta.send(token(1_048_576)).catch(() => undefined))?.status ?? 431).toBe(431);
    expect(hapta.seen).toEqual([]);
    // What may be one is a guest's when it is none.
    expect(countOf(await hapta.statuses(repeat(20, token(3_000))), 200)).toBe(10);
  });
});
