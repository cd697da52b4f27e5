// The connection on a socket that takes as much as the test says: order, deadlines, closing, and what a client cannot
// pile up. Time is what `sweep` is told.
import { describe, expect, test } from "bun:test";
import { clientFrame } from "../../tests/support/clientFrame.ts";
import type { HandOver } from "../http/answer.ts";
import type { ClientSocket } from "../http/connectionOptions.ts";
import { Outbox } from "../http/outbox.ts";
import { encodeText } from "./frame.ts";
import { WebSocketConnection } from "./webSocketConnection.ts";

const open = (answers: readonly Promise<void>[] = []) => {
  const log: string[] = [];
  const room = { bytes: Number.POSITIVE_INFINITY };
  const sent: Buffer[] = [];
  const left = [...answers];
  const socket: ClientSocket = {
    data: { connection: undefined, peer: "192.0.2.1" },
    remoteAddress: "192.0.2.1",
    write: (whole, from = 0, length = whole.length) => {
      const bytes = whole.subarray(from, from + length);
      const taken = Math.min(bytes.length, room.bytes);
      room.bytes -= taken;
      sent.push(Buffer.from(bytes.subarray(0, taken)));
      return taken;
    },
    pause: () => void log.push("pause"),
    resume: () => void log.push("resume"),
    shutdown: () => void log.push("shutdown"),
    close: () => undefined,
    terminate: () => void log.push("terminate"),
  };
  const presence: HandOver["presence"] = {
    isGone: false,
    whenGone: undefined,
    whenOver: () => void log.push("place given back"),
  };
  const connection = new WebSocketConnection({ socket, outbox: new Outbox(socket), presence }, () => ({
    onText: (text) => {
      log.push(`text ${text}`);
      return left.shift();
    },
    onFlow: () => void log.push("flow"),
    onOver: () => void log.push("over"),
  }));
  const hear = (opcode: number, payload: string | Uint8Array = ""): void =>
    connection.onData(clientFrame({ opcode, payload }));
  return { connection, log, room, hear, sent: () => Buffer.concat(sent).toString("latin1"), presence };
};

const soon = (ms: number): number => performance.now() + ms;
const CLOSED = (code: number, reason = ""): string => {
  const head = Buffer.from([0x88, 2 + reason.length, code >> 8, code & 255]);
  return `${head.toString("latin1")}${reason}`;
};

describe("WebSocketConnection", () => {
  test("reads on only when a message is answered", async () => {
    const first = Promise.withResolvers<void>();
    const { connection, log, hear } = open([first.promise]);
    connection.onData(
      Buffer.concat([clientFrame({ opcode: 1, payload: "1" }), clientFrame({ opcode: 1, payload: "2" })]),
    );
    hear(1, "3");
    expect(log).toEqual(["text 1", "pause"]);
    first.resolve();
    await first.promise;
    await Promise.resolve();
    expect(log).toEqual(["text 1", "pause", "resume", "text 2", "text 3"]);
  });

  test("answers pings with their payload and a close with its code, then is done", () => {
    const { connection, log, hear, sent } = open();
    hear(9, "you?");
    expect(sent()).toBe("\x8a\x04you?");
    hear(8, Uint8Array.of(3, 232));
    expect(sent()).toEndWith(CLOSED(1000));
    hear(1, "ignored");
    connection.onClose();
    connection.onClose();
    expect(log).toEqual(["shutdown", "over", "place given back"]);
  });

  test("says why it closes, once, and ends a client that does not close back", () => {
    const { connection, log, sent } = open();
    connection.close(4401, "over");
    connection.close(1012, "again");
    connection.send(encodeText("too late"));
    expect(sent()).toBe(CLOSED(4401, "over"));
    connection.sweep(soon(1_900));
    expect(log).toEqual([]);
    connection.sweep(soon(2_100));
    expect(log).toEqual(["terminate", "over", "place given back"]);
  });

  test("what a client still said when it was told to go is not heard", () => {
    const { connection, log, hear } = open();
    connection.onData(clientFrame({ opcode: 1, payload: "half" }).subarray(0, 7));
    connection.close(4401, "over");
    connection.onData(clientFrame({ opcode: 1, payload: "half" }).subarray(7));
    hear(8, Uint8Array.of(3, 232));
    expect(log).toEqual(["shutdown"]);
  });

  test("a fault closes with its code and nothing more is read", () => {
    const { log, hear, connection, sent } = open();
    connection.onData(clientFrame({ opcode: 1, payload: "x", isMasked: false }));
    hear(1, "ignored");
    expect(sent()).toBe(CLOSED(1002, "protocol error"));
    expect(log).toEqual(["shutdown"]);
  });

  test("a message that is not complete in ten seconds closes; a complete one has all the time", () => {
    const { connection, sent, hear } = open();
    hear(1, "whole");
    connection.sweep(soon(15_000));
    expect(sent()).toBe("");
    connection.onData(clientFrame({ opcode: 1, payload: "half" }).subarray(0, 7));
    connection.sweep(soon(9_000));
    expect(sent()).toBe("");
    connection.sweep(soon(11_000));
    expect(sent()).toBe(CLOSED(1008, "the message took too long"));
  });

  test("a client that gives no sign of life after a ping is ended; any byte is one", () => {
    const { connection, log, hear } = open();
    connection.ping();
    hear(10);
    connection.sweep(soon(30_000));
    expect(log).toEqual([]);
    connection.ping();
    connection.ping();
    connection.sweep(soon(21_000));
    expect(log).toEqual(["terminate", "over", "place given back"]);
  });

  test("tells when to go on, and ends a client that takes nothing for a minute", () => {
    const { connection, log, room } = open();
    room.bytes = 4;
    expect(connection.send(encodeText("0123456789"))).toBe(false);
    connection.sweep(soon(59_000));
    room.bytes = 100;
    connection.onDrain();
    expect(log).toEqual(["flow"]);
    room.bytes = 0;
    connection.send(encodeText("more"));
    connection.sweep(soon(61_000));
    expect(log).toEqual(["flow", "terminate", "over", "place given back"]);
  });

  test("a client that asks and does not read cannot pile up answers", () => {
    const { log, room, hear } = open();
    room.bytes = 0;
    for (let i = 0; i < 2_000 && log.length === 0; i++) hear(9, "x".repeat(100));
    expect(log).toEqual(["terminate", "over", "place given back"]);
  });

  test("a client that is still taking something large may ask, within the same bound", () => {
    const { connection, log, room, hear } = open();
    room.bytes = 0;
    connection.send(encodeText("x".repeat(100_000)));
    for (let i = 0; i < 300; i++) hear(9, "x".repeat(100));
    expect(log).toEqual([]);
    room.bytes = Number.POSITIVE_INFINITY;
    connection.onDrain();
    room.bytes = 0;
    for (let i = 0; i < 500; i++) hear(9, "x".repeat(100));
    expect(log).toEqual(["flow"]);
    for (let i = 0; i < 500; i++) hear(9, "x".repeat(100));
    expect(log).toEqual(["flow", "terminate", "over", "place given back"]);
  });

  test("of pings that come at once the last is answered", () => {
    const { connection, log, sent } = open();
    const pings = Array.from({ length: 1_000 }, (_, n) => clientFrame({ opcode: 9, payload: `${n}` }));
    connection.onData(Buffer.concat([...pings, clientFrame({ opcode: 1, payload: "text" })]));
    expect([sent(), log]).toEqual(["\x8a\x03999", ["text text"]]);
  });

  test("the last words wait for a slow client, and the end for them", () => {
    const { connection, log, room, sent, hear } = open();
    room.bytes = 3;
    connection.send(encodeText("event"));
    hear(8);
    expect(log).toEqual([]);
    room.bytes = 100;
    connection.onDrain();
    expect(sent()).toEndWith(CLOSED(1000));
    expect(log).toEqual(["shutdown"]);
  });
});
