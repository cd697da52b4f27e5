// Heads as text, with and without a frame: a frame saves work and never says anything else than the answer.
import { expect, test } from "bun:test";
import type { Answer } from "./answer.ts";
import { renderHead, toFrame } from "./answerHead.ts";
import { writeWhole } from "./answerWriter.ts";
import { withHeadRoom } from "./headRoom.ts";
import { Outbox } from "./outbox.ts";

const PLACE = { isHead: false, minor: 1, closes: false } as const;
const FIELDS = ["Content-Type", "application/json", "Vary", "Origin", "ETag", '"a"'];
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** The whole text of a head. */
const headText = (answer: Answer): string => {
  const { start, rest } = renderHead(answer, PLACE, "Content-Length: 2\r\n");
  return start + rest;
};
const withoutDate = (head: string): string => head.replace(/Date: [^\r]+ GMT\r\n/, "Date: now\r\n");

/** An outbox whose socket takes so many bytes of each piece, and everything it took. */
const openOutbox = (takes: readonly number[] = []) => {
  const taken: Buffer[] = [];
  const left = [...takes];
  const outbox = new Outbox({
    write: (whole, from = 0, length = whole.length) => {
      const piece = whole.subarray(from, from + length);
      const count = Math.min(left.shift() ?? piece.length, piece.length);
      taken.push(Buffer.from(piece.subarray(0, count)));
      return count;
    },
  });
  return { outbox, text: () => Buffer.concat(taken).toString("latin1") };
};

const LINES = "X-Request-Id: 1\r\n";

test.each([
  ["with the list of its frame", 200, FIELDS],
  ["with a field behind it", 200, [...FIELDS, "X-Last", "1"]],
  ["with an equal list", 200, [...FIELDS]],
  ["with a field taken out", 200, [...FIELDS.slice(0, 2), ...FIELDS.slice(4)]],
  ["with a value changed", 200, [...FIELDS.slice(0, 5), '"b"']],
  ["with a field in front", 200, ["X-First", "1", ...FIELDS]],
  ["with other fields only", 200, ["X-Only", "1"]],
  ["with another status", 404, FIELDS],
  ["with a date and a length of its own", 200, [...FIELDS, "date", "then", "content-length", "2"]],
])("an answer %s has the same head with its frame as without", (_, status, headers) => {
  const answer: Answer = { status, headers, lines: LINES, body: bytes("{}") };
  const framed = { ...answer, frame: toFrame(200, FIELDS) };
  const plain = headText(answer);
  expect(withoutDate(headText(framed))).toBe(withoutDate(plain));
  expect(plain).toStartWith(`HTTP/1.1 ${status} `);
  expect(plain).toContain(`\r\n${LINES}`);
  for (let i = 0; i < headers.length; i += 2) expect(plain).toContain(`${headers[i]}: ${headers[i + 1]}\r\n`);
});

test("a frame with a date or a length keeps them from being said twice", () => {
  const headers = ["Date", "then", "Content-Length", "2"];
  const answer = { status: 200, headers, body: bytes("{}"), frame: toFrame(200, headers) };
  expect(headText(answer)).toBe("HTTP/1.1 200 OK\r\nDate: then\r\nContent-Length: 2\r\n\r\n");
});

const BODY = "0123456789".repeat(1_000);
const keptAnswer = (lines = "", body = withHeadRoom(bytes(BODY))): Answer => ({
  status: 200,
  headers: FIELDS,
  lines,
  body,
  frame: toFrame(200, FIELDS, body),
});
/** What is written for an answer without a frame. */
const plainly = (lines: string): string => whole({ status: 200, headers: FIELDS, lines, body: bytes(BODY) });
const whole = (answer: Answer): string => {
  const { outbox, text } = openOutbox();
  writeWhole(outbox, answer, PLACE);
  return withoutDate(text());
};

test("a body with room in front leaves behind its head, as often as it is asked for", () => {
  const answer = keptAnswer();
  for (const id of ["1", "2", "", "a longer one", "3", "3"]) {
    const lines = id === "" ? "" : `X-Request-Id: ${id}\r\n`;
    expect(whole({ ...answer, lines })).toBe(plainly(lines));
  }
  expect(plainly("X: 1\r\n")).toContain(`X: 1\r\nContent-Length: ${BODY.length}\r\n`);
});

test("two answers may have one body: each leaves behind its own head", () => {
  const body = withHeadRoom(bytes(BODY));
  const fields = FIELDS.map((text) => (text === '"a"' ? '"b"' : text));
  const frames = [FIELDS, fields].map((headers) => toFrame(200, headers, body));
  for (const frame of [...frames, ...frames])
    expect(whole({ status: 200, headers: frame.headers, body, frame })).toBe(
      whole({ status: 200, headers: frame.headers, body: bytes(BODY) }),
    );
});

test("a head that is longer than the room, and another body than the frame's, leave whole", () => {
  const long = keptAnswer(`X-Long: ${"x".repeat(2_000)}\r\n`);
  expect(whole(long)).toEndWith(`\r\n\r\n${BODY}`);
  expect(whole(long)).toContain(`X-Long: ${"x".repeat(2_000)}\r\n`);
  expect(whole({ ...keptAnswer(), body: bytes("other") })).toEndWith("\r\n\r\nother");
});

// Each client takes a part first; meanwhile others get the same answer with heads of their own.
test.each([0, 1, 50, 180, 5_000])(
  "what a client has not taken yet of it (after %i bytes) stays its own",
  (count) => {
    const answer = keptAnswer("X-Request-Id: slow\r\n");
    const slow = openOutbox([count]);
    expect(writeWhole(slow.outbox, answer, PLACE)).toBe(false);
    expect(whole({ ...answer, lines: "X-Request-Id: fast\r\n" })).toContain("X-Request-Id: fast");
    expect(slow.outbox.flush()).toBe(true);
    expect(withoutDate(slow.text())).toBe(whole(answer));
  },
);

test("it waits its turn behind what is queued", () => {
  const { outbox, text } = openOutbox([3]);
  outbox.write(bytes("before"));
  writeWhole(outbox, keptAnswer(), PLACE);
  outbox.flush();
  expect(text()).toStartWith("beforeHTTP/1.1 200 OK\r\n");
  expect(text()).toEndWith(BODY);
});
