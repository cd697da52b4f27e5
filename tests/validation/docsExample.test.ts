// The example of docs/validation.md, loaded as it stands there: rules for a collection and for a route of a hook.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { exchange } from "../support/wire.ts";
import { changeSchema, type Pair, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

const scratch = createScratch("docs-example");
let pair: Pair;
beforeAll(async () => {
  const text = await Bun.file(join(PROJECT_DIR, "docs/validation.md")).text();
  const [, example = ""] = /```ts\n(import \{ defineConfig \}[\s\S]*?)```/.exec(text) ?? [];
  expect(example).toContain('"./src/settings/defineConfig.ts"');
  const file = join(scratch.path, "example.ts");
  await Bun.write(file, example.replace("./src/", `${PROJECT_DIR}/src/`));
  pair = await startPair({ configText: `...(await import(${JSON.stringify(file)})).default` });
  const fields = [
    { name: "title", type: "text" },
    { name: "body", type: "text" },
  ];
  const json = { name: "posts", type: "base", createRule: "", fields };
  await changeSchema(pair, { method: "POST", path: "/api/collections", json });
});
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

test("the rules of a collection hold", async () => {
  const create = (json: unknown) =>
    pair.through({ method: "POST", path: "/api/collections/posts/records", json });
  const told = await create({ title: "abc", body: "My casino" });
  expect([told.code, told.body]).toEqual([
    "record_invalid",
    {
      data: {
        title: { code: "validation_invalid_value", message: "At least 5 letters." },
        body: { code: "no_advertising", message: "No advertising." },
      },
      message: "Failed to create record.",
      status: 400,
    },
  ]);
  expect((await create({ title: "abcde", body: "My garden" })).status).toBe(200);
});

describe("the rules of a route hold", () => {
  const post = (path: string, json: unknown) => pair.through({ method: "POST", path, json });
  const good = { email: "ada@example.com" };

  test("for parameters, query and body, in PocketBase's shape", async () => {
    const told = await post(`/newsletter/daily?source=${"x".repeat(41)}`, { email: "ada", extra: 1 });
    expect([told.status, told.code]).toEqual([400, "input_invalid"]);
    const { data, message } = told.body as { data: Record<string, { code: string }>; message: string };
    expect(Object.keys(data).sort()).toEqual(["body", "email", "list", "source"]);
    expect(data["email"]).toEqual({
      code: "validation_invalid_value",
      message: "Invalid email address.",
    } as never);
    expect(message).toBe("The request has values that are not valid.");
  });

  test("however the path is spelled", async () => {
    for (const path of ["/newsletter/%64aily", "/%6Eewsletter/daily"])
      expect([path, (await post(path, good)).code]).toEqual([path, "input_invalid"]);
  });

  test("for forms", async () => {
    const form = (email: string) => () => new URLSearchParams({ email });
    const call = { method: "POST", path: "/newsletter/weekly" };
    expect((await pair.through({ ...call, form: form("ada") })).code).toBe("input_invalid");
    expect((await pair.through({ ...call, form: form("ada@example.com") })).code).toBeUndefined();
  });

  test("and nothing passes that could not be read", async () => {
    const send = async (body: string, type: string) => {
      const headers = [["Content-Type", type]] as const;
      const answer = await exchange(pair.hapta.url, {
        method: "POST",
        path: "/newsletter/weekly",
        headers,
        body,
      });
      return answer.status;
    };
    const json = "application/json";
    const sent = [
      await send('{"email":"a@b.co","email":"x"}', json),
      await send("[]", json),
      await send(`{"email":"a@b.co","name":"${"x".repeat(1_100_000)}"}`, json),
      await send("<a/>", "text/xml"),
    ];
    expect(sent).toEqual([400, 400, 413, 415]);
  });

  test("while what meets them goes on, and other routes are left alone", async () => {
    // The app has no such route: PocketBase says so.
    expect(await post("/newsletter/weekly?source=web", good)).toMatchObject({ status: 404, code: undefined });
    expect(await pair.through({ path: "/newsletter/daily" })).toMatchObject({ status: 404, code: undefined });
    expect(await post("/newsletter/daily/x", {})).toMatchObject({ status: 404, code: undefined });
  });
});
