// What waiting in tests counts: the time that this process had, not the time that passed.
import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { eventually, within } from "./eventually.ts";
import { startOwnClock } from "./ownTime.ts";

/** Keeps this process from running, as a busy machine does. */
const stall = (stallMs: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
};

/** Keeps this process busy with itself. */
const work = (cpuMs: number): void => {
  const before = process.cpuUsage();
  for (let usedMs = 0; usedMs < cpuMs; ) {
    const { user, system } = process.cpuUsage(before);
    usedMs = (user + system) / 1000;
  }
};

test("a clock of one's own stands still while its process is kept from running, not while it works", async () => {
  using clock = startOwnClock();
  await eventually(() => clock.ms() >= 30, 60_000);
  const beforeMs = clock.ms();
  stall(400);
  const stalledMs = clock.ms();
  work(400);
  expect(stalledMs - beforeMs).toBeLessThan(200);
  expect(clock.ms() - stalledMs).toBeGreaterThan(350);
});

test("a wait does not end because its process was kept from looking", async () => {
  await using server = createServer((socket) => socket.end("x")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  let heard = 0;
  const hear = (): void => {
    connect(port, "127.0.0.1").on("data", (part) => {
      heard += part.length;
    });
  };
  hear();
  const first = eventually(() => heard === 1, 300);
  stall(900);
  await first;
  const ended = Promise.withResolvers<void>();
  connect(port, "127.0.0.1").on("data", () => ended.resolve());
  const second = within(ended.promise, 300, "the answer");
  stall(900);
  await second;
});

test("a wait for what never comes ends", async () => {
  await expect(eventually(() => false, 50)).rejects.toThrow("not reached within 50 ms");
  const never = new Promise<void>(() => undefined);
  await expect(within(never, 50, "nothing")).rejects.toThrow("nothing: nothing within 50 ms");
  await expect(within(Promise.reject(new Error("its own")), 50, "x")).rejects.toThrow("its own");
});
