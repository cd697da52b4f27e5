// The live schema before a real PocketBase: what is in it, and how soon a change is seen, made past Hapta or
// through it.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createLiveSchema, type LiveSchema } from "../../src/pocketbase/liveSchema.ts";
import { SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { Secret } from "../../src/utils/secret.ts";
import { startGateway } from "../adversarial/gateway.ts";
import { eventually } from "../support/eventually.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";

setDefaultTimeout(120_000);

let pb: PocketBase;
let client: SuperuserClient;
beforeAll(async () => {
  pb = await startPocketBase();
  client = clientAt(pb.url);
});
afterAll(async () => await pb[Symbol.asyncDispose]());

const clientAt = (url: string): SuperuserClient =>
  new SuperuserClient({ url, email: SUPERUSER.email, password: new Secret(SUPERUSER.password) });

const ruleOf = (schema: LiveSchema, name: string): string | null | undefined =>
  schema.current().find(name)?.rules.list;

test("the schema holds fields, rules, indexes and options of every collection, and no secrets", async () => {
  const schema = createLiveSchema({ client, log: () => undefined });
  expect(await schema.refresh()).toBe(true);
  const articles = schema.find("Articles");
  expect(articles).toMatchObject({ id: "pbc_articles001", type: "base", isSystem: false });
  expect(articles?.rules).toMatchObject({
    list: "published = true || author = @request.auth.id",
    manage: null,
  });
  expect(articles?.fieldByName.get("title")).toMatchObject({
    type: "text",
    isRequired: true,
    options: { min: 2, max: 50 },
  });
  expect(articles?.indexes).toHaveLength(1);
  expect(schema.find("members")?.options["otp"]).toMatchObject({ enabled: true });
  expect(schema.find("articleStats")?.type).toBe("view");
  expect(JSON.stringify(schema.all().map(({ options }) => options))).not.toMatch(/"secret":/);
  schema.close();
});

test("a change made past Hapta is seen soon while the schema is in use", async () => {
  const schema = createLiveSchema({ client, log: () => undefined });
  await schema.refresh();
  const steps: readonly [string, string, unknown, () => boolean][] = [
    ["PATCH", "/api/collections/ledgers", { listRule: "" }, () => ruleOf(schema, "ledgers") === ""],
    [
      "POST",
      "/api/collections",
      { name: "fresh", type: "base", fields: [] },
      () => schema.current().find("fresh") !== undefined,
    ],
    ["DELETE", "/api/collections/fresh", undefined, () => schema.current().find("fresh") === undefined],
  ];
  for (const [method, path, body, isSeen] of steps) {
    schema.current();
    expect((await client.request(method, path, body)).status).toBeLessThan(300);
    await eventually(isSeen, 5_000);
  }
  schema.close();
});

test("a change made through Hapta is seen when the writer has its answer", async () => {
  await using gateway = await startGateway(pb.url, { superuser: client });
  const { collections } = gateway.services;
  await collections.refresh();
  const own = clientAt(gateway.url);
  const call = async (method: string, path: string, body?: unknown): Promise<void> =>
    expect((await own.request(method, path, body)).status).toBeLessThan(300);
  await call("PATCH", "/api/collections/gates", { listRule: null });
  expect(collections.find("gates")?.rules.list).toBeNull();
  await call("POST", "/api/collections", { name: "made", type: "base", fields: [] });
  expect(collections.find("made")?.type).toBe("base");
  await call("PUT", "/api/collections/import", {
    collections: [{ ...collections.find("made")?.options, viewRule: "id != ''" }],
    deleteMissing: false,
  });
  expect(collections.find("made")?.rules.view).toBe("id != ''");
  await call("POST", "/api/sql", { query: "UPDATE _collections SET listRule = '' WHERE name = 'made'" });
  await call("DELETE", "/api/collections/made");
  expect(collections.find("made")).toBeUndefined();
});
