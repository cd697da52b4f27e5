// What a connection still takes after its last answer: some, for a while.
import { expect, test } from "bun:test";
import type { ClientSocket } from "./connectionOptions.ts";
import { Lingering } from "./lingering.ts";

const createSocket = () => {
  const calls: string[] = [];
  const socket: ClientSocket = {
    data: { connection: undefined, peer: undefined },
    remoteAddress: "192.0.2.1",
    write: () => 0,
    pause: () => void calls.push("pause"),
    resume: () => void calls.push("resume"),
    shutdown: () => void calls.push("shutdown"),
    close: () => void calls.push("close"),
    terminate: () => void calls.push("terminate"),
  };
  return { calls, socket };
};

test("Lingering ends its own side, and reads on up to a mebibyte", () => {
  const { calls, socket } = createSocket();
  const lingering = new Lingering(socket, 1_000);
  for (let at = 0; at < 16; at++) lingering.onData(Buffer.alloc(65_536));
  expect(calls).toEqual(["shutdown"]);
  lingering.onData(Buffer.alloc(1));
  expect(calls).toEqual(["shutdown", "pause"]);
});

test("Lingering closes the connection when its time is over, or the server stops", () => {
  const { calls, socket } = createSocket();
  const lingering = new Lingering(socket, 1_000);
  lingering.sweep(999);
  expect(calls).toEqual(["shutdown"]);
  lingering.sweep(1_000);
  lingering.closeWhenDone();
  expect(calls).toEqual(["shutdown", "close", "close"]);
});
