// Order and counting of bytes that the kernel takes when it likes.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Outbox } from "./outbox.ts";

const LATIN1 = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));

/** A socket that takes as many bytes a call as the list says, then nothing. */
const pickySocket = (takes: readonly number[]) => {
  const left = [...takes];
  const taken: Buffer[] = [];
  return {
    write: (whole: Uint8Array, from = 0, length = whole.length): number => {
      const bytes = whole.subarray(from, from + length);
      const count = Math.min(bytes.length, left.shift() ?? 0);
      if (count > 0) taken.push(Buffer.from(bytes.subarray(0, count)));
      return count;
    },
    text: () => Buffer.concat(taken).toString("latin1"),
    refill: (count: number) => left.push(count),
  };
};

test("every byte arrives once and in order, whatever the kernel takes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 9, unit: LATIN1 }), { maxLength: 9 }),
      fc.array(fc.integer({ min: -1, max: 5 }), { maxLength: 30 }),
      (texts, takes) => {
        const socket = pickySocket(takes);
        const outbox = new Outbox(socket);
        const all = texts.join("");
        for (const text of texts) {
          // A head and its body, or bytes alone: the same bytes go out.
          const half = text.length >> 1;
          const isAllTaken =
            text.length % 3 === 0
              ? outbox.write(Buffer.from(text, "latin1"))
              : outbox.writeText(text.slice(0, half), Buffer.from(text.slice(half), "latin1"));
          expect(isAllTaken).toBe(outbox.pendingBytes === 0);
          if (text.length % 2 === 0) outbox.flush();
        }
        while (outbox.pendingBytes > 0) {
          socket.refill(3);
          expect(outbox.flush()).toBe(outbox.pendingBytes === 0);
        }
        expect(socket.text()).toBe(all);
      },
    ),
  );
});

test("what waits is not overwritten by what other sockets write meanwhile", () => {
  const slow = pickySocket([1]);
  const outbox = new Outbox(slow);
  expect(outbox.writeText("ab", Buffer.from("cd"))).toBe(false);
  new Outbox(pickySocket([9])).writeText("xxxx");
  slow.refill(9);
  expect([outbox.flush(), slow.text()]).toEqual([true, "abcd"]);
});

test("large buffers that were given are freed once they are sent, and not before", () => {
  const size = 100_000;
  const socket = pickySocket([size, 1]);
  const outbox = new Outbox(socket);
  const [first, second] = [Buffer.alloc(size, "a"), Buffer.alloc(size, "b")];
  expect([outbox.give(first), first.length]).toEqual([true, 0]);
  expect([outbox.give(second), second.length]).toEqual([false, size]);
  socket.refill(5);
  expect([outbox.flush(), second.length]).toEqual([false, size]);
  socket.refill(size);
  expect([outbox.flush(), second.length]).toEqual([true, 0]);
  expect(socket.text()).toBe("a".repeat(size) + "b".repeat(size));
});

test("what is small, a part of a buffer, or only written stays as it is", () => {
  const outbox = new Outbox({ write: (bytes) => bytes.length });
  const whole = Buffer.alloc(200_000);
  for (const part of [whole.subarray(0, 100_000), whole.subarray(100_000), Buffer.alloc(10)]) {
    expect([outbox.give(part), part.length > 0]).toEqual([true, true]);
  }
  expect([outbox.write(whole), whole.length]).toEqual([true, 200_000]);
});

test("a text and bytes of any size go out in one piece", () => {
  const socket = pickySocket([1_000_000]);
  const body = Buffer.alloc(100_000, "b");
  expect(new Outbox(socket).writeText("a", body)).toBe(true);
  expect(socket.text()).toBe(`a${body.toString()}`);
});

test("a closing socket loses nothing that was not taken, and clear forgets it", () => {
  const outbox = new Outbox({ write: () => -1 });
  expect(outbox.write(Buffer.from("abc"))).toBe(false);
  expect(outbox.pendingBytes).toBe(3);
  outbox.clear();
  expect([outbox.pendingBytes, outbox.flush()]).toEqual([0, true]);
});
