// The reader of client frames: every rule of RFC 6455 it holds, and that no input throws, hangs or piles up.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { clientFrame } from "../../tests/support/clientFrame.ts";
import { encodeClose, encodeFrame, encodeText, OPCODE } from "./frame.ts";
import { FrameReader, type Incoming } from "./frameReader.ts";

const BYTES_MAX = 1_000;

const readAll = (...chunks: readonly Uint8Array[]): Incoming[] => {
  const reader = new FrameReader(BYTES_MAX);
  const heard: Incoming[] = [];
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk));
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      heard.push(next);
      if (next.kind === "fault" || next.kind === "close") return heard;
    }
    reader.settle();
  }
  return heard;
};

const text = (payload: string): Incoming => ({ kind: "text", text: payload });
const fault = (code: number): unknown[] => [{ kind: "fault", code }];

describe("FrameReader", () => {
  test("reads messages whatever they arrive in", () => {
    const texts = ["", "a", "ä€😀", "\ufeffmark", "x".repeat(125), "x".repeat(126), "x".repeat(BYTES_MAX)];
    const bytes = Buffer.concat(texts.map((payload) => clientFrame({ opcode: 1, payload })));
    expect(readAll(bytes)).toEqual(texts.map(text));
    expect(readAll(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(texts.map(text));
  });

  test("joins fragments, with control frames between them", () => {
    const euro = Buffer.from("€");
    const bytes = Buffer.concat([
      clientFrame({ opcode: 1, payload: euro.subarray(0, 1), isFinal: false }),
      clientFrame({ opcode: 9, payload: "are you there" }),
      clientFrame({ opcode: 0, payload: euro.subarray(1, 2), isFinal: false }),
      clientFrame({ opcode: 10 }),
      clientFrame({ opcode: 0, payload: euro.subarray(2) }),
      clientFrame({ opcode: 8, payload: Buffer.from([3, 232, 111, 107]) }),
    ]);
    expect(readAll(bytes)).toEqual([
      { kind: "ping", payload: Buffer.from("are you there") },
      { kind: "pong" },
      text("€"),
      { kind: "close", code: 1000 },
    ]);
  });

  const whole = { opcode: 1, payload: "x" };
  const begun = clientFrame({ ...whole, isFinal: false });
  const many = Array.from({ length: 100 }, () => clientFrame({ opcode: 0, isFinal: false }));
  test.each<[string, number, readonly Uint8Array[]]>([
    ["a frame without a mask", 1002, [clientFrame({ ...whole, isMasked: false })]],
    ["a compressed frame", 1002, [clientFrame({ ...whole, reserved: 4 })]],
    ["other reserved bits", 1002, [clientFrame({ ...whole, reserved: 1 })]],
    ["an unknown type", 1002, [clientFrame({ ...whole, opcode: 3 })]],
    ["an unknown control frame", 1002, [clientFrame({ ...whole, opcode: 11 })]],
    ["a binary message", 1003, [clientFrame({ ...whole, opcode: 2 })]],
    ["a continuation of nothing", 1002, [clientFrame({ ...whole, opcode: 0 })]],
    ["a message inside another", 1002, [begun, clientFrame(whole)]],
    ["a ping in fragments", 1002, [clientFrame({ opcode: 9, isFinal: false })]],
    ["a long ping", 1002, [clientFrame({ opcode: 9, payload: "x".repeat(126) })]],
    ["a length of two bytes that needs one", 1002, [clientFrame({ ...whole, lengthBytes: 2 })]],
    ["a length of eight bytes that needs one", 1002, [clientFrame({ ...whole, lengthBytes: 8 })]],
    ["a length with the highest bit", 1002, [Buffer.from([0x81, 0xff, 0x80, ...Array(11).fill(0)])]],
    ["a long message", 1009, [clientFrame({ ...whole, length: BYTES_MAX + 1 })]],
    ["a message of many gigabytes", 1009, [clientFrame({ ...whole, length: 2 ** 40 })]],
    ["fragments that are long together", 1009, [begun, clientFrame({ opcode: 0, length: BYTES_MAX })]],
    ["endless empty fragments", 1009, [begun, ...many]],
    ["what is not UTF-8", 1007, [clientFrame({ opcode: 1, payload: Uint8Array.of(0xc0, 0xaf) })]],
    ["half a surrogate", 1007, [clientFrame({ opcode: 1, payload: Uint8Array.of(0xed, 0xa0, 0x80) })]],
    ["a close code of one byte", 1002, [clientFrame({ opcode: 8, payload: "x" })]],
    ["a close code nobody may send", 1002, [clientFrame({ opcode: 8, payload: Uint8Array.of(3, 238) })]],
    ["a close code out of range", 1002, [clientFrame({ opcode: 8, payload: Uint8Array.of(0, 7) })]],
    [
      "a close reason that is not UTF-8",
      1007,
      [clientFrame({ opcode: 8, payload: Uint8Array.of(3, 232, 255) })],
    ],
  ])("closes on %s with %i", (_, code, chunks) => {
    expect(readAll(...chunks)).toEqual(fault(code) as Incoming[]);
  });

  test("judges a frame by its head, before its payload arrives", () => {
    const head = clientFrame({ ...whole, length: BYTES_MAX + 1 }).subarray(0, 8);
    expect(readAll(head)).toEqual(fault(1009) as Incoming[]);
  });

  test("keeps no more than what is unfinished", () => {
    const reader = new FrameReader(BYTES_MAX);
    reader.push(clientFrame({ opcode: 1, payload: "whole" }));
    expect([reader.next(), reader.isAmid]).toEqual([text("whole"), false]);
    reader.push(begun);
    expect([reader.next(), reader.isAmid]).toEqual([undefined, true]);
  });

  test("any split of any messages reads as the messages", () => {
    const messages = fc.array(fc.string({ unit: "binary", maxLength: 200 }), { maxLength: 8 });
    fc.assert(
      fc.property(messages, fc.array(fc.nat(40), { minLength: 1 }), (texts, cuts) => {
        const frames = texts.flatMap((payload, i) => {
          const bytes = Buffer.from(payload);
          const at = (cuts[i % cuts.length] ?? 0) % (bytes.length + 1);
          if (i % 2 === 0) return [clientFrame({ opcode: 1, payload })];
          return [
            clientFrame({ opcode: 1, payload: bytes.subarray(0, at), isFinal: false }),
            clientFrame({ opcode: 0, payload: bytes.subarray(at) }),
          ];
        });
        const bytes = Buffer.concat(frames);
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const step = 1 + (cuts[i % cuts.length] ?? 0);
          chunks.push(bytes.subarray(at, at + step));
          at += step;
        }
        const heard = readAll(...chunks);
        return (
          JSON.stringify(heard) === JSON.stringify(texts.map((one) => text(Buffer.from(one).toString())))
        );
      }),
      { numRuns: 300 },
    );
  });

  test("no bytes throw, and what is read ends", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (chunks) => {
        readAll(...chunks);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("encodeFrame", () => {
  test.each([
    [0, 2],
    [125, 2],
    [126, 4],
    [65_535, 4],
    [65_536, 10],
  ])("a payload of %i bytes has a head of %i", (length, headBytes) => {
    const frame = Buffer.from(encodeFrame(OPCODE.text, Buffer.alloc(length, 1)));
    expect(frame.length).toBe(headBytes + length);
    expect(frame[0]).toBe(0x81);
    const announced =
      headBytes === 2 ? frame[1] : headBytes === 4 ? frame.readUInt16BE(2) : Number(frame.readBigUInt64BE(2));
    expect(announced).toBe(length);
  });

  test("a close reason never makes a control frame too long", () => {
    expect(encodeClose(1008, "x".repeat(500)).length).toBe(127);
    expect(Buffer.from(encodeText("é")).toString("hex")).toBe("8102c3a9");
  });
});
