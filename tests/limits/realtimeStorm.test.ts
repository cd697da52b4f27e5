// RL13: a client without a place comes back later and later, by the back-off of the unmodified SDK, and then gets one.
import { expect, test } from "bun:test";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { call, sharedPair } from "../sessions/support.ts";
import { type EventStream, openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { startMutatingProxy } from "../support/mutatingProxy.ts";

const LIMITS = { Max: 100_000, Duration: 60_000, IP: true, isEnabled: true, Message: "Too much." };
const pair = sharedPair({ config: { ratelimit: LIMITS, Realtime: { MaxClientsPerAddress: 1 } } });

/** When the SDK opened a stream, in ms, and what it was answered. */
const attempts: { readonly atMs: number; status: number | undefined }[] = [];

class NotedEventSource extends EventSource {
  constructor(url: string | URL) {
    const attempt: (typeof attempts)[number] = { atMs: performance.now(), status: undefined };
    attempts.push(attempt);
    super(url, {
      fetch: async (input, init) => {
        const answer = await fetch(input, init);
        attempt.status = answer.status;
        return answer;
      },
    });
  }
}

/** What the SDK waits before its first, second, ... further attempt. */
const WAITS_MS = [200, 300, 500, 1000, 1200];

test("the SDK backs off while all places are taken, and is let in when one is free", async () => {
  Object.assign(globalThis, { EventSource: NotedEventSource });
  await using network = await startMutatingProxy(pair.url);
  const client = new PocketBase(network.url);
  const heard: unknown[] = [];
  await client.collection("notices").subscribe("*", (event) => heard.push(event.record["title"]));
  using rival = await takePlace(() => network.cut(), client);
  const from = attempts.length;
  await eventually(() => attempts.length >= from + WAITS_MS.length, 15_000);
  const since = attempts.slice(-WAITS_MS.length - 1);
  for (const [at, waitMs] of WAITS_MS.entries()) {
    const gapMs = (since[at + 1]?.atMs ?? 0) - (since[at]?.atMs ?? 0);
    if (at > 0) expect(gapMs).toBeGreaterThan(waitMs - 20);
  }
  expect(since.slice(1, -1).map(({ status }) => status)).toEqual([429, 429, 429, 429]);
  rival[Symbol.dispose]();
  await eventually(() => client.realtime.isConnected, 10_000);
  await eventually(async () => {
    await call(pair.url, {
      method: "PATCH",
      path: "/api/collections/notices/records/notice000000003",
      json: { title: "Again" },
    });
    return heard.includes("Again");
  }, 10_000);
  await client.realtime.unsubscribe();
  Object.assign(globalThis, { EventSource });
});

/** Cuts the client off and takes its place before it comes back; tries again when it was quicker. */
const takePlace = async (cut: () => void, client: PocketBase): Promise<EventStream> => {
  for (let tries = 0; tries < 10; tries++) {
    await eventually(() => client.realtime.isConnected, 10_000);
    const before = attempts.length;
    cut();
    while (attempts.length === before) {
      const stream = await openEventStream(pair.url);
      if (stream.status === 200) return stream;
      stream[Symbol.dispose]();
    }
  }
  throw new Error("the client was always quicker");
};
