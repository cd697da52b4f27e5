// Bodies of resumable uploads that come slowly: as long as enough of them comes, they may.
import { afterAll, expect, spyOn, test } from "bun:test";
import type { Exchange } from "../../exchange.ts";
import type { BodySink } from "../../http/answer.ts";
import { toRequest } from "./tusRequest.ts";

let nowMs = 0;
const clock = spyOn(performance, "now").mockImplementation(() => nowMs);
afterAll(() => {
  clock.mockRestore();
});

/** When a body of so many bytes every ten seconds is given up, in ms; undefined when it comes to its end. */
const endOf = async (bytesPerTenSeconds: number): Promise<number | undefined> => {
  nowMs = 0;
  let sink: BodySink | undefined;
  let isCancelled = false;
  let stalledMs: number | undefined;
  const source = {
    start: (given: BodySink) => {
      sink = given;
    },
    resume: () => undefined,
    cancel: () => {
      isCancelled = true;
    },
  };
  const exchange = {
    method: "PATCH",
    path: "/files/tus/1",
    headers: [],
    body: { kind: "stream", source, length: undefined },
  } as unknown as Exchange;
  const onStall = (): void => {
    stalledMs = nowMs;
  };
  const text = toRequest(exchange, { idleMs: 60_000, bytesPerSecondMin: 500, onStall }).text();
  for (; nowMs < 600_000 && !isCancelled; nowMs += 10_000) {
    sink?.data(Buffer.alloc(bytesPerTenSeconds));
    await Promise.resolve();
  }
  if (!isCancelled) sink?.end();
  expect(
    await text.then(
      () => "whole",
      () => "broken",
    ),
  ).toBe(isCancelled ? "broken" : "whole");
  return stalledMs;
};

test("UP9 a body that drips is given up soon after its grace, and one at the rate never", async () => {
  expect(await endOf(1)).toBe(30_000);
  expect(await endOf(5_000)).toBeUndefined();
});
