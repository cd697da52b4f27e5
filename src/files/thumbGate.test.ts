// UP16: few thumbs are made at a time, however many are asked for.
import { expect, test } from "bun:test";
import { createThumbGate, type ThumbCaller } from "./thumbGate.ts";

const caller = (key: string, onQueued: ThumbCaller["onQueued"] = () => undefined): ThumbCaller => ({
  key,
  onQueued,
});

test("UP16 a thousand wishes for thumbs are eight at a time, and a bounded queue", async () => {
  const inTurn = createThumbGate(60_000);
  let [running, most] = [0, 0];
  const ask = async (): Promise<boolean> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return true;
  };
  const made = await Promise.all(Array.from({ length: 1_000 }, () => inTurn(caller("one"), ask)));
  expect([most, made.filter(Boolean).length]).toEqual([8, 264]);
});

test("a thumb that fails gives its place back, and who leaves gives up the wait", async () => {
  const inTurn = createThumbGate(60_000);
  for (let i = 0; i < 20; i++)
    await expect(inTurn(caller("one"), () => Promise.reject(new Error("no thumb")))).rejects.toThrow(
      "no thumb",
    );
  const { promise, resolve } = Promise.withResolvers<number>();
  const held = Array.from({ length: 8 }, () => inTurn(caller("one"), () => promise));
  let withdraw = (): void => undefined;
  const waits = inTurn(
    caller("two", (end) => {
      withdraw = end;
    }),
    () => Promise.resolve(1),
  );
  withdraw();
  expect(await waits).toBeUndefined();
  resolve(7);
  expect(await Promise.all(held)).toEqual(Array.from({ length: 8 }, () => 7));
});
