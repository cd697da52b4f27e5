// What waits to be told is bounded in time, too. The clock is played.
import { expect, test } from "bun:test";
import { Message } from "./message.ts";
import { Subscriber } from "./subscriber.ts";
import { Telling } from "./telling.ts";
import { Turns } from "./turns.ts";

test("Telling is full once something has waited for ten seconds, until it is told, and says when much waits", () => {
  let nowMs = 0;
  const works: (() => void)[] = [];
  const turns = new Turns({ nowMs: () => nowMs, later: (_, work) => works.push(work), idleShare: () => 1 });
  const telling = new Telling(turns);
  const wire = {
    message: () => {
      nowMs += 1;
      return true;
    },
  };
  const audience = new Set<Subscriber>();
  for (let n = 0; n < 100; n++) {
    const place = { id: String(n), address: "192.0.2.1", since: undefined };
    const client = new Subscriber(place, { bufferBytesMax: 1_000, onOver: () => undefined });
    client.attach({ ...QUIET, ...wire });
    audience.add(client);
  }
  for (const number of [1, 2]) telling.tell(new Message("a", "1", { epoch: "00000000", number }), audience);
  expect(telling.isFullFor(1)).toBe(false);
  expect(telling.backlog).toEqual({ sinceMs: 0, isFlood: false });
  telling.tell(new Message("a", "1".repeat(65_536), { epoch: "00000000", number: 3 }), audience);
  expect(telling.backlog).toEqual({ sinceMs: 0, isFlood: true });
  nowMs += 9_000;
  expect(telling.isFullFor(1)).toBe(false);
  nowMs += 1_000;
  expect(telling.isFullFor(1)).toBe(true);
  while (works.length > 0) works.shift()?.();
  expect(telling.isFullFor(1)).toBe(false);
  expect(telling.backlog).toBeUndefined();
});

const QUIET = {
  beat: () => true,
  gap: () => true,
  joined: () => true,
  place: () => true,
  leave: () => undefined,
  close: () => undefined,
};
