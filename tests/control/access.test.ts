// Who gets into the admin API, what everybody else learns (SE5), and what is said about wrong input.
import { expect, test } from "bun:test";
import { ADA, call, login, ROOT, startPair, verdictOf } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { WireConnection } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import { BEARER, sharedPairWithKey, startWithKey } from "./support.ts";

const pair = sharedPairWithKey();

const PLACES = ["/hapta", "/hapta/sessions", "/hapta/openapi.json", "/hapta/nowhere", "/metrics"];

test("SE5: nobody else learns anything but liveness", async () => {
  for (const path of PLACES) {
    for (const token of [undefined, "Bearer", "Basic abc", "nonsense", "a.b.c"]) {
      const answer = await call(pair.url, { path, token });
      expect(`${path} ${token} ${verdictOf(answer)}`).toBe(`${path} ${token} 401 admin_key_required`);
      expect(answer.text).toBe('{"data":{},"message":"The request requires the admin key.","status":401}\n');
    }
    const preflight = await call(pair.url, {
      method: "OPTIONS",
      path,
      headers: [
        ["Origin", "https://evil.example"],
        ["Access-Control-Request-Method", "DELETE"],
      ],
    });
    expect(preflight.status).toBe(401);
    expect(headOf(preflight, "access-control-allow-methods")).toBeUndefined();
  }
  for (const path of ["/hapta/live", "/hapta/ready"]) {
    const answer = await call(pair.url, { path });
    expect(`${answer.status} ${answer.text.length < 60}`).toBe("200 true");
  }
});

test("records are nobody here, superusers are somebody", async () => {
  const [ada, root] = [await login(pair.url, ADA), await login(pair.url, ROOT)];
  expect(verdictOf(await call(pair.url, { path: "/hapta/openapi.json", token: ada }))).toBe(
    "401 admin_key_required",
  );
  for (const token of [root, `Bearer ${root}`, BEARER])
    expect((await call(pair.url, { path: "/hapta/openapi.json", token })).status).toBe(200);
  // From outside, which this header makes of it.
  const outside = await call(pair.url, {
    path: "/hapta/openapi.json",
    token: root,
    headers: [["X-Forwarded-For", "198.51.100.7"]],
  });
  expect(verdictOf(outside)).toBe("401 superuser_refused");
});

test("the key is nothing to PocketBase", async () => {
  const answer = await call(pair.url, { path: "/api/collections", token: BEARER });
  expect(answer.status).toBe(401);
});

test("GET /hapta/openapi.json describes the calls; HEAD answers like GET without a body", async () => {
  const answer = await call(pair.url, { path: "/hapta/openapi.json", token: BEARER });
  expect(JSON.parse(answer.text)).toMatchObject({ openapi: "3.1.0", security: [{ adminKey: [] }] });
  expect(headOf(answer, "cache-control")).toBe("no-store");
  expect(headOf(answer, "content-type")).toBe("application/json");
  const head = await call(pair.url, { method: "HEAD", path: "/hapta/openapi.json", token: BEARER });
  expect([head.status, head.text]).toEqual([200, ""]);
  expect(headOf(head, "content-length")).toBe(String(Buffer.byteLength(answer.text)));
});

test("unknown paths and methods are 404 for those who are let in", async () => {
  for (const [method, path] of [
    ["GET", "/hapta/nowhere"],
    ["PATCH", "/hapta/openapi.json"],
    ["OPTIONS", "/hapta/openapi.json"],
    ["GET", "/hapta"],
  ] as const)
    expect(verdictOf(await call(pair.url, { method, path, token: BEARER }))).toBe("404 not_found");
});

test("wrong keys are refused, then put off; the right key from the same address is not, nor are other addresses", async () => {
  await using other = await startWithKey();
  using here = new WireConnection(other.url, "127.0.0.7");
  const ask = (authorization: string) =>
    here.send({ path: "/hapta/openapi.json", headers: [["Authorization", authorization]] });
  for (let at = 0; at < 6; at++) expect(verdictOf(await ask("Bearer wrong"))).toBe("401 admin_key_required");
  // The wait is a second only at first, and the machine may be slow: more wrong ones make it longer.
  const blocked = await eventually(async () => {
    const answer = await ask("Bearer wrong");
    return answer.status === 429 ? answer : undefined;
  }, 10_000);
  expect(verdictOf(blocked)).toBe("429 admin_key_blocked");
  expect(Number(headOf(blocked, "retry-after"))).toBeGreaterThan(0);
  expect((await ask(BEARER)).status).toBe(200);
  expect((await call(other.url, { path: "/hapta/openapi.json", token: BEARER })).status).toBe(200);
});

test("without a key the admin API does not exist, but for superusers", async () => {
  await using other = await startPair();
  for (const path of PLACES)
    for (const token of [undefined, BEARER, "Bearer undefined", "a.b.c"])
      expect(verdictOf(await call(other.url, { path, token }))).toBe("404 not_found");
  const root = await login(other.url, ROOT);
  expect((await call(other.url, { path: "/hapta/openapi.json", token: root })).status).toBe(200);
});
