// The change feed while its streams overlap: changes that say the same as earlier ones are told all the same, and more
// changes than can be kept apart are a gap.
import { expect, test } from "bun:test";
import { createFeed } from "../../src/pocketbase/feed.ts";
import type { SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { startRelay } from "../cache/relay.ts";
import { eventually } from "../support/eventually.ts";
import { clientAt, keepLines, startInstance } from "./support.ts";

const SWITCHES = "pbc_switches001";
const NOTES = "pbc_notes000001";
const CHANGES = 80;
const LINGER_MS = 500;

const RECORDS = "/api/collections/switches/records";

const ask = async (client: SuperuserClient, line: string, body: unknown): Promise<void> => {
  const [method = "", path = ""] = line.split(" ");
  const { status } = await client.request(method, path, body);
  expect(status).toBe(200);
};

const createSwitches = (client: SuperuserClient): Promise<void> => {
  // No date of the last change: what looks alike is alike.
  const fields = [{ name: "isOn", type: "bool" }];
  return ask(client, "POST /api/collections", { id: SWITCHES, name: "switches", type: "base", fields });
};

test("a change back to what was there before is told, however streams overlap", async () => {
  await using instance = await startInstance();
  const { client } = instance;
  await createSwitches(client);
  await ask(client, `POST ${RECORDS}`, { id: "switch000000001", isOn: false });
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
      await ask(client, `PATCH ${RECORDS}/switch000000001`, { isOn: now });
      await eventually(() => isOn === now, 10_000);
    }
    expect(copies).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes("went over")).length).toBeGreaterThan(3);
  } finally {
    feed.close();
  }
}, 60_000);

test("more changes than can be kept apart are a gap, and the feed is closed until it has a new stream", async () => {
  await using instance = await startInstance();
  const { client } = instance;
  await createSwitches(client);
  const create = (id: string): Promise<void> => ask(client, `POST ${RECORDS}`, { id });
  const { log } = keepLines();
  const feed = createFeed({
    client,
    log,
    collections: () => [SWITCHES],
    times: { lingerMs: 60_000 },
    overlapEventsMax: 10,
  });
  try {
    const told = new Set<string>();
    const gaps: string[] = [];
    feed.onEvent(({ recordId }) => told.add(recordId));
    feed.onGap((reason) => gaps.push(`${feed.state()}: ${reason}`));
    await eventually(() => feed.state() === "healthy", 10_000);
    await feed.resubscribe();
    for (let i = 0; i < 9; i++) await create(`switch00000000${i}`);
    await eventually(() => told.size === 9, 10_000);
    expect(gaps).toHaveLength(1);
    await create("onetoomany00000");
    await eventually(() => gaps.length === 3, 10_000);
    expect(gaps[1]).toMatch(/^closed: too much/);
    await create("later0000000000");
    await eventually(() => told.has("later0000000000"), 10_000);
  } finally {
    feed.close();
  }
}, 60_000);

test("a copy that comes when the stream that told the event has ended is known by the date in it", async () => {
  await using instance = await startInstance();
  const fields = [
    { name: "title", type: "text" },
    { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
  ];
  await ask(instance.client, "POST /api/collections", { id: NOTES, name: "notes", type: "base", fields });
  await using relay = await startRelay(instance.pb.url);
  const { log } = keepLines();
  const client = clientAt(relay.url, instance.pb);
  const feed = createFeed({ client, log, collections: () => [NOTES], times: { lingerMs: LINGER_MS } });
  const told: string[] = [];
  feed.onEvent(({ record }, isCopy) => told.push(`${isCopy ? "copy of " : ""}${record["title"]}`));
  const write = (title: string) => ask(instance.client, "POST /api/collections/notes/records", { title });
  const isTold = (title: string) => eventually(() => told.includes(title), 20_000);
  try {
    await eventually(() => feed.state() === "healthy", 10_000);
    let round = 0;
    // On a slow machine the old stream may have ended before it tells anything.
    await eventually(async () => {
      const title = `late ${round++}.`;
      const release = relay.delayOnNewest(title);
      await feed.resubscribe();
      await write(title);
      await eventually(() => relay.streams() === 1, 20_000);
      const isByOld = told.includes(title);
      release();
      await isTold(title);
      await write(`after ${title}`);
      await isTold(`after ${title}`);
      expect(told.filter((one) => one === title)).toHaveLength(1);
      return isByOld && told.includes(`copy of ${title}`);
    }, 60_000);
  } finally {
    feed.close();
  }
}, 120_000);
