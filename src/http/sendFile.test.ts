// Files sent unread: which bytes, never ones that would have to be waited for, and never into a socket that is closed.
import { afterAll, expect, test } from "bun:test";
import { closeSync, openSync, readSync, statfsSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../tests/support/eventually.ts";
import { canSendFiles, keepOnly } from "../../tests/support/pageCache.ts";
import { createScratch } from "../../tests/support/scratch.ts";
import { createSocketPairs } from "../../tests/support/socketPairs.ts";
import type { BodySource } from "./answer.ts";
import { AnswerWriter } from "./answerWriter.ts";
import { Outbox } from "./outbox.ts";
import { type FileSpan, sendFile } from "./sendFile.ts";

const BYTES = 524_288;
/** What statfs(2) calls it. */
const EXT4 = 0xef53;
/** Past what a number of 32 bits can say. */
const FAR = 5_000_000_000;

const scratch = createScratch("sendfile");
const sockets = createSocketPairs();
const bytes = Buffer.from(Uint32Array.from({ length: BYTES / 4 }, (_, i) => i).buffer);
const path = join(scratch.path, "file");
writeFileSync(path, bytes);
const fd = openSync(path, "r+");
/** Not on other systems, nor where a file system can't say what it has at hand: everything is read there. */
const isPossible = await canSendFiles(path);
const isExt4 = process.platform === "linux" && statfsSync(path).type === EXT4;

afterAll(() => {
  closeSync(fd);
  sockets[Symbol.dispose]();
  scratch[Symbol.dispose]();
});

test.skipIf(!isExt4)("it is possible on ext4, so that no test is left out by a mistake", () => {
  expect(isPossible).toBe(true);
});

test.skipIf(!isPossible)("the bytes asked for arrive, and no others", async () => {
  const { socket, received } = await sockets.open();
  const outbox = new Outbox(socket);
  readSync(fd, Buffer.alloc(BYTES), 0, BYTES, 0);
  expect(outbox.sendFile({ fd, from: 100_001, length: 77 })).toBe(77);
  expect(outbox.sendFile({ fd, from: 5, length: 3 })).toBe(3);
  await eventually(() => received().length === 80, 5_000);
  expect(received()).toEqual(Buffer.concat([bytes.subarray(100_001, 100_078), bytes.subarray(5, 8)]));
});

test.skipIf(!isPossible)("bytes beyond 4 GiB are found", async () => {
  const { socket, received } = await sockets.open();
  const far = openSync(join(scratch.path, "far"), "w+");
  try {
    writeSync(far, "abcdef", FAR);
    expect(sendFile(socket.fd ?? -1, { fd: far, from: FAR + 1, length: 3 })).toBe(3);
  } finally {
    closeSync(far);
  }
  await eventually(() => received().length === 3, 5_000);
  expect(received().toString()).toBe("bcd");
});

/** What a fresh socket takes, which has room for all of it. */
const sendFresh = async (span: FileSpan): Promise<number> => {
  const { socket } = await sockets.open();
  return sendFile(socket.fd ?? -1, span);
};

test.skipIf(!isPossible)(
  "nothing is sent of which no page is at hand, or one in its middle is not",
  async () => {
    const whole = { fd, from: 0, length: BYTES };
    // The kernel may be busy with a page that it is to drop.
    for (const kept of [[], [0, BYTES - 1]])
      await eventually(async () => {
        keepOnly(path, kept);
        return (await sendFresh(whole)) === 0;
      }, 10_000);
    expect(await sendFresh({ fd, from: 0, length: 1 })).toBe(1);
    readSync(fd, Buffer.alloc(BYTES), 0, BYTES, 0);
    expect(await sendFresh(whole)).toBeGreaterThan(0);
  },
);

test("what a file does not have, and what it can't be read from, is not sent", async () => {
  const { socket, received } = await sockets.open();
  const to = socket.fd ?? -1;
  expect(sendFile(to, { fd, from: BYTES, length: 1 })).toBe(0);
  expect(sendFile(to, { fd, from: BYTES - 10, length: 20 })).toBe(0);
  expect(sendFile(to, { fd: -1, from: 0, length: 10 })).toBe(0);
  socket.write("end");
  await eventually(() => received().length > 0, 5_000);
  expect(received().toString()).toBe("end");
});

test("a socket that is closed sends no byte of a file, whoever has its number now", async () => {
  for (const end of ["terminate", "close", "reset"] as const) {
    const gone = await sockets.open();
    const outbox = new Outbox(gone.socket);
    const number = gone.socket.fd;
    outbox.sendFile({ fd, from: 0, length: 1 });
    if (end === "reset") gone.client.resetAndDestroy();
    else gone.socket[end]();
    expect([end, end === "reset" || gone.socket.fd === -1]).toEqual([end, true]);
    await eventually(() => gone.socket.fd === -1 && gone.client.closed, 5_000);
    const others = [];
    do others.push(await sockets.open());
    while (!others.some(({ socket }) => socket.fd === number) && others.length < 50);
    const heir = others.find(({ socket }) => socket.fd === number);
    expect([end, heir !== undefined]).toEqual([end, true]);
    expect([end, outbox.sendFile({ fd, from: 0, length: BYTES })]).toEqual([end, 0]);
    heir?.socket.write("own");
    await eventually(() => (heir?.received().length ?? 0) > 0, 5_000);
    expect([end, heir?.received().toString()]).toEqual([end, "own"]);
    for (const { client } of others) client.destroy();
  }
});

test("nothing overtakes what waits", async () => {
  const outbox = new Outbox({ write: () => 0, fd: (await sockets.open()).socket.fd ?? -1 });
  outbox.write(Buffer.from("first"));
  expect(outbox.sendFile({ fd, from: 0, length: 10 })).toBe(0);
});

test("an answer that is over takes nothing, and neither does one that is sent in chunks", async () => {
  const { socket, received } = await sockets.open();
  const source: BodySource = { start: () => undefined, resume: () => undefined, cancel: () => undefined };
  const watcher = { onStall: () => undefined, onEnd: () => undefined };
  const place = { isHead: false, minor: 1, closes: false } as const;
  const span = { fd, from: 0, length: 10 };
  const over = new AnswerWriter(new Outbox(socket), place, watcher);
  over.write({ status: 200, headers: ["Content-Length", "10"], body: source }, source);
  over.cancel();
  const chunked = new AnswerWriter(new Outbox(socket), place, watcher);
  chunked.write({ status: 200, headers: [], body: source }, source);
  readSync(fd, Buffer.alloc(10), 0, 10, 0);
  expect([over.sendFile(span), chunked.sendFile(span)]).toEqual([0, 0]);
  socket.write("end");
  await eventually(() => received().subarray(-3).toString() === "end", 5_000);
  expect(received().subarray(-7).toString()).toBe("\r\n\r\nend");
});
