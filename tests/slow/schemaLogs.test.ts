// PocketBase writes its log after 3 s without a new line: following the schema must leave it these pauses.
import { expect, setDefaultTimeout, test } from "bun:test";
import { createLiveSchema } from "../../src/pocketbase/liveSchema.ts";
import { eventually } from "../support/eventually.ts";
import { startInstance } from "../upstream/support.ts";

setDefaultTimeout(60_000);

test("PocketBase's log is written while the schema is in constant use", async () => {
  await using instance = await startInstance();
  const schema = createLiveSchema({ client: instance.client, log: () => undefined });
  await schema.refresh();
  const use = setInterval(() => schema.current(), 20);
  try {
    const written = async (): Promise<number> => {
      const { json } = await instance.client.request("GET", "/api/logs?perPage=1");
      return Number(Reflect.get(json as object, "totalItems"));
    };
    const before = await written();
    await eventually(async () => (await written()) > before + 5, 25_000);
    const between = await written();
    await eventually(async () => (await written()) > between + 5, 25_000);
    expect(schema.current().version).toBe(1);
  } finally {
    clearInterval(use);
    schema.close();
  }
});
