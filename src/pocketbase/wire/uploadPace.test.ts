// When a body is too slow.
import { expect, test } from "bun:test";
import { UploadPace } from "./uploadPace.ts";

test("what was sent buys time, at the rate that is asked for", () => {
  const pace = new UploadPace(500, 60_000, 1_000);
  expect(pace.deadlineMs).toBe(21_000);
  pace.sent(1);
  expect(pace.deadlineMs).toBe(21_002);
  // A megabyte at once is half an hour in a tunnel, if nothing else says otherwise.
  pace.sent(1_000_000);
  expect(pace.deadlineMs).toBe(2_021_002);
});

test("a byte every two seconds ends soon after the grace, 500 bytes a second never", () => {
  const endOf = (bytes: number, everyMs: number): number => {
    const pace = new UploadPace(500, 60_000, 0);
    for (let nowMs = 0; nowMs < 600_000; nowMs += everyMs) {
      if (nowMs >= pace.deadlineMs) return nowMs;
      pace.sent(bytes);
    }
    return Number.POSITIVE_INFINITY;
  };
  expect(endOf(1, 2_000)).toBe(22_000);
  expect(endOf(1_000, 2_000)).toBe(Number.POSITIVE_INFINITY);
});

test("the upstream's time is not the client's", () => {
  const pace = new UploadPace(500, 60_000, 0);
  pace.pause(5_000);
  pace.pause(6_000);
  expect(pace.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  pace.resume(300_000);
  expect(pace.deadlineMs).toBe(315_000);
});

test("0 is no bound; a shorter idle time is a shorter grace", () => {
  const free = new UploadPace(0, 60_000, 0);
  free.sent(1);
  expect(free.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  expect(new UploadPace(500, 600, 0).deadlineMs).toBe(600);
});
