// PocketBase restarts below open streams, and Hapta ends above them.
import { expect, setDefaultTimeout, test } from "bun:test";
import { call, START_MS } from "../sessions/support.ts";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { listen, subscribe } from "./support.ts";

setDefaultTimeout(START_MS);
const NOTICES = "/api/collections/notices/records";

test("PocketBase restarts: streams stay, hear that there was a gap, and then events again, each once", async () => {
  const first = await startPocketBase();
  await using hapta = await startHapta(first);
  using stream = await listen(hapta.url, { topics: ["notices/*"] });
  await call(hapta.url, { path: NOTICES, json: { title: "before" } });
  await stream.contains("before");
  await first[Symbol.asyncDispose]();
  await using _second = await startPocketBase({ port: first.port });
  const connections = (): number => stream.text().split("event:PB_CONNECT").length - 1;
  await eventually(() => connections() === 2, 15_000);
  await eventually(async () => {
    const answer = await call(hapta.url, { path: NOTICES, json: { title: "after" } });
    return answer.status === 200;
  }, 10_000);
  await stream.contains("after");
  expect(stream.isOpen()).toBe(true);
  expect(stream.text().split("after").length - 1).toBe(1);
  // Its name still counts.
  expect(await subscribe(hapta.url, stream, { topics: ["notices/*"] })).toBe(204);
});

test("Hapta ends: every stream ends cleanly and is told when to come back, each at its own time", async () => {
  await using pb = await startPocketBase();
  await using hapta = await startHapta(pb);
  const streams = await Promise.all(Array.from({ length: 6 }, () => openEventStream(hapta.url)));
  hapta.child.kill("SIGTERM");
  for (const stream of streams) await eventually(() => !stream.isOpen(), 5_000);
  const times = streams.map((stream) => Number(/\nretry:(\d+)\n\n$/.exec(stream.text())?.[1]));
  for (const ms of times) expect(ms).toBeWithin(500, 5_001);
  expect(new Set(times).size).toBeGreaterThan(1);
});
