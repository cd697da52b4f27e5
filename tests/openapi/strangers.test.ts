// Strangers who ask for the docs again and again: the description of a large app is built once, leaves compressed, costs next
// to nothing, and counts like any other read. What a request says about hosts and proxies is nowhere in the pages.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { startHapta } from "../support/hapta.ts";
import { exchange, WireConnection } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import { type App, startApp } from "./support.ts";

/** Few with many fields: making a collection takes PocketBase long, and the description is as large. */
const COLLECTIONS = 40;
const FIELDS = 60;
const ASKS = 1_000;
/** What the kernel counts CPU time in. */
const TICK_MS = 10;
/** Of building once, and of every ask. */
const CPU_MS_MAX = 1_500;

let app: App;
beforeAll(async () => {
  app = await startApp();
  const collections = Array.from({ length: COLLECTIONS }, (_, at) => ({
    name: `shelf${at}`,
    type: "base",
    ...{ listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" },
    fields: Array.from({ length: FIELDS }, (_unused, field) => ({ name: `field${field}`, type: "text" })),
  }));
  const made = await app.call("superuser", "/api/collections/import", {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ collections }),
  });
  if (made.status !== 204) throw new Error(await made.text());
}, 120_000);
afterAll(() => app[Symbol.asyncDispose]());

const cpuMs = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};

test("a thousand asks for a description of a megabyte cost less than 1.5 ms of CPU each", async () => {
  using connection = new WireConnection(app.hapta.url);
  const request = { path: "/openapi.json", headers: [["Accept-Encoding", "gzip"]] as const };
  const first = await connection.send(request);
  const whole = Buffer.from(Bun.gunzipSync(new Uint8Array(first.body))).toString();
  expect(Object.keys(JSON.parse(whole).paths).length).toBeGreaterThan(2 * COLLECTIONS);
  expect(whole.length).toBeGreaterThan(500_000);
  expect(first.body.length).toBeLessThan(150_000);
  const before = cpuMs(app.hapta.child.pid);
  const statuses = new Set<number>();
  for (let ask = 0; ask < ASKS; ask++) {
    const known = ask % 2 === 0 ? [["If-None-Match", headOf(first, "etag") ?? ""] as const] : [];
    statuses.add((await connection.send({ ...request, headers: [...request.headers, ...known] })).status);
  }
  expect([...statuses].sort()).toEqual([200, 304]);
  expect(cpuMs(app.hapta.child.pid) - before).toBeLessThan(CPU_MS_MAX);
}, 60_000);

test("asking counts: who asks too often is refused", async () => {
  const config = { ratelimit: { isEnabled: true, Max: 10, Duration: 3_600_000, IP: true } };
  await using hapta = await startHapta(app.upstream, { config });
  for (const path of ["/openapi.json", "/", "/hapta/assets/page.css"]) {
    const statuses: number[] = [];
    for (let ask = 0; ask < 12; ask++) statuses.push((await exchange(hapta.url, { path })).status);
    expect([path, statuses.at(-1)]).toEqual([path, 429]);
  }
}, 60_000);

test("nothing that a request says is in a page or a description", async () => {
  const headers = [
    ["Host", "evil.example"],
    ["X-Forwarded-Host", "evil.example"],
    ["X-Forwarded-Proto", "javascript"],
    ["X-Forwarded-Prefix", "//evil.example"],
    ["Forwarded", 'host="evil.example"'],
    ["Referer", "https://evil.example/<script>"],
  ] as const;
  for (const path of ["/", "/api-reference", "/openapi.json"]) {
    const plain = await exchange(app.hapta.url, { path });
    const asked = await exchange(app.hapta.url, {
      path: `${path}?url=https://evil.example/<script>&configUrl=//evil.example`,
      headers,
    });
    const told = [
      asked.status,
      asked.text.replace(" data-superusers", ""),
      headOf(asked, "content-security-policy"),
    ];
    expect(told).toEqual([
      200,
      plain.text.replace(" data-superusers", ""),
      headOf(plain, "content-security-policy"),
    ]);
  }
});

test("paths that only look like the docs' are not answered as docs", async () => {
  for (const path of [
    "/hapta/assets/..%2f..%2fpackage.json",
    "/hapta/assets/__proto__",
    "/hapta/assets/constructor",
    "/hapta/assets/",
  ]) {
    const answer = await exchange(app.hapta.url, { path });
    expect([path, answer.status >= 400 && answer.status < 500]).toEqual([path, true]);
  }
});
