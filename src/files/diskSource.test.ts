// Parts of files, sent unread or read: from their own descriptor only, in turns, and never for whole when they are not.
import { afterAll, expect, test } from "bun:test";
import { readdirSync, readlinkSync, realpathSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../tests/support/eventually.ts";
import { createRandom } from "../../tests/support/random.ts";
import { createScratch } from "../../tests/support/scratch.ts";
import { createSocketPairs } from "../../tests/support/socketPairs.ts";
import type { BodySink } from "../http/answer.ts";
import { DiskSource } from "./diskSource.ts";

const BYTES = 3_000_000;
/** What the source sends unread at a time, at most. */
const PIECE_BYTES_MAX = 1_048_576;

const scratch = createScratch("disksource");
afterAll(() => scratch[Symbol.dispose]());
const fileOf = (name: string, bytes: number): string => {
  const path = join(realpathSync(scratch.path), name);
  writeFileSync(path, Buffer.alloc(bytes, name));
  return path;
};

/** A reader that takes pieces unread as `take` says, and remembers how all came. */
const readerOf = (take: (length: number, fd: number) => number) => {
  const seen = { sent: [] as number[], read: 0, end: "" };
  const sink: BodySink = {
    sendFile: ({ fd, length }) => {
      const taken = take(length, fd);
      seen.sent.push(taken);
      return taken;
    },
    data: (chunk) => {
      seen.read += chunk.length;
      return true;
    },
    end: () => {
      seen.end = "whole";
    },
    fail: () => {
      seen.end = "broken";
    },
  };
  return { seen, sink };
};

test("what is taken in part, or not at all, is gone on with where it ended", async () => {
  const path = fileOf("a", BYTES);
  const random = createRandom(7);
  const { seen, sink } = readerOf((length) => Math.floor(random() * 3 * length) % (length + 1));
  new DiskSource({ path, from: 10, to: BYTES }).start(sink);
  await eventually(() => seen.end !== "", 10_000);
  const sent = seen.sent.reduce((sum, one) => sum + one, 0);
  expect([seen.end, sent + seen.read]).toEqual(["whole", BYTES - 10]);
});

test("a piece is bounded, and others have a turn after it", async () => {
  const pieces = 200;
  const path = fileOf("b", 1);
  let largest = 0;
  let turns = 0;
  const { seen, sink } = readerOf((length) => {
    largest = Math.max(largest, length);
    return length;
  });
  using sockets = createSocketPairs();
  const { socket, client } = await sockets.open();
  // Whoever has a turn sends the next byte.
  client.on("data", () => {
    if (seen.end === "") turns += 1;
    socket.write("x");
  });
  socket.write("x");
  new DiskSource({ path, from: 0, to: pieces * PIECE_BYTES_MAX }).start(sink);
  await eventually(() => seen.end !== "", 10_000);
  expect(largest).toBeLessThanOrEqual(PIECE_BYTES_MAX);
  expect(seen.sent.length).toBeGreaterThanOrEqual(pieces);
  expect(turns).toBeGreaterThan(pieces / 10);
});

test("a file that is shorter than it was is not taken for whole", async () => {
  const path = fileOf("c", BYTES);
  const { seen, sink } = readerOf(() => 0);
  let isBroken = false;
  truncateSync(path, BYTES - 1);
  new DiskSource({ path, from: 0, to: BYTES, onBroken: () => (isBroken = true) }).start(sink);
  await eventually(() => seen.end !== "", 10_000);
  expect([seen.end, isBroken, seen.read]).toEqual(["broken", true, BYTES - 1]);
});

test.skipIf(process.platform !== "linux")(
  "however readers leave, no source sends from another's descriptor, and none stays open (by /proc)",
  async () => {
    const random = createRandom(11);
    const paths = ["d", "e", "f", "g"].map((name) => fileOf(name, BYTES));
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = open();
    const wrong: string[] = [];
    const left: DiskSource[] = [];
    const start = (path: string): (() => boolean) => {
      const { seen, sink } = readerOf((length, fd) => {
        const link = readlinkSync(`/proc/self/fd/${fd}`);
        if (link !== path || left.includes(source)) wrong.push(link);
        if (random() < 0.3) leave();
        return random() < 0.7 ? length : 100;
      });
      const source = new DiskSource({ path, from: 0, to: BYTES });
      const leave = (): void => {
        left.push(source);
        source.cancel();
        if (random() < 0.5) source.resume();
      };
      source.start(sink);
      if (random() < 0.1) leave();
      return () => seen.end !== "" || left.includes(source);
    };
    const areOver: (() => boolean)[] = [];
    for (let i = 0; i < 400; i++) {
      areOver.push(start(paths[i % paths.length] ?? ""));
      if (i % 5 === 0) await new Promise(setImmediate);
    }
    await eventually(() => areOver.every((isOver) => isOver()) && open() <= before + 4, 20_000);
    expect(wrong).toEqual([]);
    expect(left.length).toBeGreaterThan(100);
  },
);
