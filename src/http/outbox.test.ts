// Order and counting of bytes that the kernel takes when it likes.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Outbox } from "./outbox.ts";

/** A socket that takes as many bytes a call as the list says, then nothing. */
const pickySocket = (takes: readonly number[]) => {
  const left = [...takes];
  const taken: Buffer[] = [];
  return {
    write: (bytes: Uint8Array): number => {
      const count = Math.min(bytes.length, left.shift() ?? 0);
      if (count > 0) taken.push(Buffer.from(bytes.subarray(0, count)));
      return count;
    },
    text: () => Buffer.concat(taken).toString(),
    refill: (count: number) => left.push(count),
  };
};

test("every byte arrives once and in order, whatever the kernel takes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 9 }), { maxLength: 9 }),
      fc.array(fc.integer({ min: -1, max: 5 }), { maxLength: 30 }),
      (texts, takes) => {
        const socket = pickySocket(takes);
        const outbox = new Outbox(socket);
        const all = Buffer.from(texts.join(""));
        for (const text of texts) {
          const isAllTaken = outbox.write(Buffer.from(text));
          expect(isAllTaken).toBe(outbox.pendingBytes === 0);
          if (text.length % 2 === 0) outbox.flush();
        }
        while (outbox.pendingBytes > 0) {
          socket.refill(3);
          expect(outbox.flush()).toBe(outbox.pendingBytes === 0);
        }
        expect(socket.text()).toBe(all.toString());
      },
    ),
  );
});

test("a closing socket loses nothing that was not taken, and clear forgets it", () => {
  const outbox = new Outbox({ write: () => -1 });
  expect(outbox.write(Buffer.from("abc"))).toBe(false);
  expect(outbox.pendingBytes).toBe(3);
  outbox.clear();
  expect([outbox.pendingBytes, outbox.flush()]).toEqual([0, true]);
});
