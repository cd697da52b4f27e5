// `/openapi.json`: valid, true, no more than its reader may know, and never older than three seconds.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { IDS } from "../support/fixture/records.ts";
import { exchange } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import {
  type App,
  CALLERS,
  type Caller,
  expectSchema,
  expectValid,
  operationsOf,
  startApp,
} from "./support.ts";

let app: App;
beforeAll(async () => {
  app = await startApp();
}, 60_000);
afterAll(() => app[Symbol.asyncDispose]());

const pathsOf = async (caller: Caller): Promise<string[]> =>
  operationsOf(await app.describe(caller)).map(({ path, method }) => `${method} ${path}`);
const records = (name: string): string => `/api/collections/${name}/records`;

describe.each([...CALLERS])("as %s", (caller) => {
  test("two independent validators accept it", async () => {
    await expectValid(await (await app.call(caller, "/openapi.json")).text());
  });

  test("operation ids are unique", async () => {
    const ids = operationsOf(await app.describe(caller)).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("what lists and views answer is what it says", async () => {
    const description = await app.describe(caller);
    let checked = 0;
    for (const [path, item] of Object.entries(description.paths)) {
      if (!/^\/api\/collections\/\w+\/records$/.test(path) || item.get === undefined) continue;
      const page = await readJson(await app.call(caller, `${path}?perPage=50`));
      expectSchema(description, `${path.split("/")[3]}-page`, page);
      const [item0] = z.object({ items: z.array(z.object({ id: z.string() })) }).parse(page).items;
      if (item0 === undefined || description.paths[`${path}/{id}`]?.get === undefined) continue;
      const view = await app.call(caller, `${path}/${item0.id}`);
      if (view.status === 200) expectSchema(description, path.split("/")[3] ?? "", await readJson(view));
      checked += 1;
    }
    expect(checked).toBeGreaterThan(3);
  });
});

const readJson = async (response: Response): Promise<unknown> => {
  expect(response.status).toBe(200);
  return await response.json();
};

test("a schema that lies is noticed", async () => {
  const description = await app.describe("guest");
  expect(() => expectSchema(description, "notices", { id: 1 })).toThrow();
});

test("guests see what guests may call", async () => {
  const paths = await pathsOf("guest");
  expect(paths).toContain(`get ${records("articles")}`);
  expect(paths).toContain(`post ${records("notices")}`);
  expect(paths).toContain("post /api/collections/members/auth-with-password");
  for (const hidden of [
    `post ${records("articles")}`,
    `get ${records("ledgers")}`,
    `get ${records("diaries")}`,
  ])
    expect(paths).not.toContain(hidden);
  const text = JSON.stringify(await app.describe("guest"));
  for (const secret of [
    "ledgers",
    "diaries",
    "remark",
    "draftNote",
    "tokenKey",
    "_superusers",
    "published = true",
  ])
    expect([secret, text.includes(secret)]).toEqual([secret, false]);
});

test("members see more, superusers everything", async () => {
  const member = await pathsOf("ada");
  expect(member).toContain(`post ${records("articles")}`);
  expect(member).toContain(`get ${records("diaries")}`);
  expect(member).not.toContain(`get ${records("ledgers")}`);
  expect(JSON.stringify(await app.describe("ada"))).not.toContain("remark");
  const superuser = await pathsOf("superuser");
  expect(superuser).toContain(`get ${records("ledgers")}`);
  const own = superuser.filter((call) =>
    /\/api\/(?:collections$|collections\/\{|settings|logs|crons|backups)/.test(call),
  );
  expect(own.length).toBeGreaterThan(15);
  expect(own.filter((call) => member.includes(call))).toEqual([]);
  const { schemas } = (await app.describe("superuser")).components;
  expect(schemas["members"]?.properties).toHaveProperty("remark");
  expect(schemas["members"]?.properties).not.toHaveProperty("tokenKey");
});

test("every operation that is described for guests lets a guest in, as far as the rule can tell", async () => {
  for (const { path, method } of operationsOf(await app.describe("guest"))) {
    if (!/^\/api\/collections\/\w+\/records$/.test(path) || method !== "get") continue;
    expect([path, (await app.call("guest", path)).status]).toEqual([path, 200]);
  }
});

test("what guests are not shown, they are refused", async () => {
  const shown = new Set(await pathsOf("guest"));
  const all = operationsOf(await app.describe("superuser")).filter(({ path }) => path.endsWith("/records"));
  for (const { path, method } of all.filter((one) => !shown.has(`${one.method} ${one.path}`))) {
    const body = method === "get" ? null : "{}";
    const answer = await app.call("guest", path, {
      method: method.toUpperCase(),
      headers: { "Content-Type": "application/json" },
      body,
    });
    if (answer.status === 200) expect(await answer.json()).toMatchObject({ items: [] });
    else expect([path, [400, 403, 404].includes(answer.status)]).toEqual([path, true]);
  }
});

test("it is cached by its ETag, for its reader alone", async () => {
  const first = await app.call("guest", "/openapi.json");
  const etag = first.headers.get("etag") ?? "";
  expect(first.headers.get("cache-control")).toBe("private, no-cache");
  expect(first.headers.get("vary")).toContain("Authorization");
  const again = await app.call("guest", "/openapi.json", { headers: { "If-None-Match": etag } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  const other = await app.call("ada", "/openapi.json", { headers: { "If-None-Match": etag } });
  expect(other.status).toBe(200);
});

test("it travels compressed to whoever takes that, each form under its own tag", async () => {
  const ask = (headers: Record<string, string>) =>
    exchange(app.hapta.url, { path: "/openapi.json", headers: Object.entries(headers) });
  const plain = await ask({ "Accept-Encoding": "br, gzip;q=0" });
  const small = await ask({ "Accept-Encoding": "deflate, gzip;q=0.5" });
  expect(headOf(plain, "content-encoding")).toBeUndefined();
  expect(headOf(small, "content-encoding")).toBe("gzip");
  expect(Bun.gunzipSync(new Uint8Array(small.body))).toEqual(new Uint8Array(plain.body));
  expect(small.body.length * 5).toBeLessThan(plain.body.length);
  const [tag, smallTag] = [headOf(plain, "etag") ?? "", headOf(small, "etag") ?? ""];
  expect(smallTag).not.toBe(tag);
  const statuses: number[] = [];
  for (const known of [tag, smallTag, `W/${smallTag}`, `"x", ${smallTag}`]) {
    const again = await ask({ "Accept-Encoding": "gzip", "If-None-Match": known });
    statuses.push(again.status);
    // What an answer depends on is said with a 304, too (RFC 9110 section 15.4.5).
    expect(again.headers.filter(([name]) => name.toLowerCase() === "vary").join()).toContain("Authorization");
  }
  expect(statuses).toEqual([200, 304, 304, 304]);
});

test("a collection that is made past Hapta is described within three seconds", async () => {
  const login = await fetch(`${app.upstream.url}/api/collections/_superusers/auth-with-password`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ identity: SUPERUSER.email, password: SUPERUSER.password }),
  });
  const { token } = z.object({ token: z.string() }).parse(await login.json());
  const made = await fetch(`${app.upstream.url}/api/collections`, {
    method: "POST",
    headers: { Authorization: token, "Content-Type": "application/json" },
    body: JSON.stringify({
      name: "fresh",
      type: "base",
      listRule: "",
      fields: [{ name: "word", type: "text" }],
    }),
  });
  expect(made.status).toBe(200);
  const isThere = async (): Promise<boolean> => (await pathsOf("guest")).includes(`get ${records("fresh")}`);
  await eventually(isThere, 3_000);
});

test("a record of the example's shape is what PocketBase answers", async () => {
  const { schemas } = (await app.describe("superuser")).components;
  const example = z.record(z.string(), z.unknown()).parse(schemas["articles"]?.examples?.[0]);
  const record = z
    .record(z.string(), z.unknown())
    .parse(await readJson(await app.call("superuser", `${records("articles")}/${IDS.news}`)));
  expect(Object.keys(example).sort()).toEqual(Object.keys(record).sort());
});

test("the example of a new record is taken as it stands, but for relations that it needs", async () => {
  const description = await app.describe("superuser");
  const refused: string[] = [];
  let made = 0;
  for (const { path, method } of operationsOf(description)) {
    const name = path.split("/")[3] ?? "";
    if (method !== "post" || !path.endsWith("/records") || name.startsWith("_")) continue;
    const schema = description.components.schemas[`${name}-create`];
    const answer = await app.call("superuser", path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(schema?.examples?.[0]),
    });
    const { data } = z
      .object({ data: z.record(z.string(), z.object({ code: z.string() })) })
      .parse(answer.status === 200 ? { data: {} } : await answer.json());
    refused.push(...Object.entries(data).map(([field, { code }]) => `${name}.${field} ${code}`));
    if (answer.status === 200) made += 1;
  }
  expect(refused.filter((one) => !one.endsWith("validation_missing_rel_records"))).toEqual([]);
  expect(made).toBeGreaterThan(3);
});
