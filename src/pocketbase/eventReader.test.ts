// Messages are read alike however the stream is cut into pieces, and too long ones leave nothing but their name.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { EventReader } from "./eventReader.ts";

const read = (pieces: readonly string[], charsMax = 1_000): string[] => {
  const seen: string[] = [];
  const reader = new EventReader({
    charsMax,
    onEvent: (message) => seen.push(JSON.stringify(message)),
    onTooLong: (topic) => seen.push(`too long: ${topic}`),
  });
  for (const piece of pieces) reader.feed(piece);
  return seen;
};
const message = (topic: string, data: string): string => `id:c1\nevent:${topic}\ndata:${data}\n\n`;

/** The same text, in pieces. */
const cutAt = (text: string, cuts: readonly number[]): string[] => {
  const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((one, two) => one - two), text.length];
  return at.slice(1).map((end, n) => text.slice(at[n], end));
};

test("what PocketBase writes, comments, several lines of data, and what is no message", () => {
  const text = `${message("posts/*", '{"a":1}')}:\n\ndata: b\ndata\ndata:c:d\n\nevent:none\n\nretry:5\n\n\n`;
  expect(read([text])).toEqual([
    '{"id":"c1","event":"posts/*","data":"{\\"a\\":1}"}',
    '{"event":"message","data":"b\\n\\nc:d"}',
  ]);
});

test("however the stream is cut, the same messages come", () => {
  const long = message("long/*?options=%7B%7D", "x".repeat(200));
  const texts = fc.array(
    fc.constantFrom(message("a/*", "1"), long, ":\n\n", "\n", message("b", "2\ndata:3")),
  );
  fc.assert(
    fc.property(texts, fc.array(fc.nat(), { maxLength: 12 }), (parts, cuts) => {
      const text = parts.join("");
      // A lone LF may be one that ends nothing, or a second one, that ends a message.
      expect(read(cutAt(text, cuts), 100)).toEqual(read([text], 100));
      const count = (one: string) => parts.filter((part) => part === one).length;
      expect(read([text], 100).filter((one) => one.startsWith("too long: long/*?"))).toHaveLength(
        count(long),
      );
    }),
  );
});

test("a message that is too long is told once, and what comes after it is whole", () => {
  const text = `${message("a/*", "y".repeat(5_000))}${message("b/*", "next")}`;
  const pieces = cutAt(text, [10, 900, 1_100, 2_000, 4_000]);
  expect(read(pieces)).toEqual(["too long: a/*", '{"id":"c1","event":"b/*","data":"next"}']);
  expect(read(["data:", "z".repeat(2_000), "\n", "\n", message("b/*", "next")])[0]).toBe("too long: ");
});
