// The change feed while it renews its stream again and again: changes that say the same as earlier ones are told all the
// same.
import { expect, test } from "bun:test";
import { createFeed } from "../../src/pocketbase/feed.ts";
import { eventually } from "../support/eventually.ts";
import { keepLines, startInstance } from "./support.ts";

const SWITCHES = "pbc_switches001";
const CHANGES = 80;

test("a change back to what was there before is told, however streams overlap", async () => {
  await using instance = await startInstance();
  const { client } = instance;
  const ask = async (method: string, path: string, body: unknown): Promise<void> => {
    const { status } = await client.request(method, path, body);
    expect(status).toBe(200);
  };
  // No date of the last change: what looks alike is alike.
  const fields = [{ name: "isOn", type: "bool" }];
  await ask("POST", "/api/collections", { id: SWITCHES, name: "switches", type: "base", fields });
  const records = "/api/collections/switches/records";
  await ask("POST", records, { id: "switch000000001", isOn: false });
  const { lines, log } = keepLines();
  const feed = createFeed({ client, log, collections: () => [SWITCHES], times: { lingerMs: 40 } });
  try {
    let isOn: unknown = false;
    let copies = 0;
    feed.onEvent(({ record }, isCopy) => {
      isOn = record["isOn"];
      if (isCopy) copies += 1;
    });
    await eventually(() => feed.state() === "healthy", 10_000);
    for (let i = 0; i < CHANGES; i++) {
      if (i % 4 === 0) void feed.resubscribe();
      const now = i % 2 === 0;
      await ask("PATCH", `${records}/switch000000001`, { isOn: now });
      await eventually(() => isOn === now, 10_000);
    }
    expect(copies).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes("went over")).length).toBeGreaterThan(3);
  } finally {
    feed.close();
  }
}, 60_000);
