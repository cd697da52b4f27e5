// Writes the heads of answers as text. What is the same each time an answer leaves (status line, first fields, a body with
// room for a head in front of it) can be made ready once, as a frame; what differs is written behind it.

import { momentMs } from "../utils/moment.ts";
import type { Answer } from "./answer.ts";
import { REASONS } from "./reasons.ts";

/** What the request and its connection say about how an answer is written. */
export interface AnswerPlace {
  readonly isHead: boolean;
  readonly minor: 0 | 1;
  /** Announces that the connection ends with this answer. */
  readonly closes: boolean;
}

/** Fields, each with its CRLF, and which of those Hapta writes are among them. */
interface HeadFields {
  readonly text: string;
  readonly hasDate: boolean;
  readonly hasLength: boolean;
}

/** What an answer starts with each time it leaves. An answer whose status or first fields are others has no use for it. */
export interface AnswerFrame extends HeadFields {
  readonly status: number;
  /** The fields that stand in `text`, behind the status line, as a flat list. */
  readonly headers: readonly string[];
  /** Room for a head, and the body behind it; undefined for a body without room. */
  readonly room: Buffer | undefined;
}

const HEAD_ROOM_BYTES = 1024;

/** A copy of a body with room for a head in front of it: the two leave as they lie there, without a copy. */
export const withHeadRoom = (body: Uint8Array): Uint8Array => {
  const room = new Uint8Array(HEAD_ROOM_BYTES + body.length);
  room.set(body, HEAD_ROOM_BYTES);
  return room.subarray(HEAD_ROOM_BYTES);
};

/** Makes the frame of an answer that will leave many times. @param body - With head room, or a copy is made each time. */
export const toFrame = (status: number, headers: readonly string[], body?: Uint8Array): AnswerFrame => {
  const room = body !== undefined && headRoomOf(body) > 0 ? Buffer.from(body.buffer) : undefined;
  const fields = renderFields(headers, 0);
  return { ...fields, text: flat(statusLine(status) + fields.text), status, headers, room };
};

// A text that was put together stays a tree of its parts, walked each time it is written, until it is made one.
const flat = (text: string): string => Buffer.from(text, "latin1").toString("latin1");

/** Bytes in front of a body that are there for its head; 0 for any other than those of {@link withHeadRoom}. */
export const headRoomOf = (body: Uint8Array): number =>
  // In this order: a small array makes its buffer when it is asked for it, which takes more memory than the array.
  body.byteOffset === HEAD_ROOM_BYTES && body.buffer.byteLength === HEAD_ROOM_BYTES + body.length
    ? HEAD_ROOM_BYTES
    : 0;

/** A head, where it can be had in two parts: the first leaves again and again, the other is new each time. */
export interface RenderedHead {
  readonly start: string;
  readonly rest: string;
  /** Of the frame that `start` is from. */
  readonly room: Buffer | undefined;
}

/** A whole head. @param framing - Lines that say how the body is framed, where the answer's own fields do not. */
export const renderHead = (answer: Answer, { closes, minor }: AnswerPlace, framing: string): RenderedHead => {
  const frame = frameOf(answer);
  const fields = renderFields(answer.headers, frame?.headers.length ?? 0);
  let rest = fields.text;
  if (!fields.hasLength && frame?.hasLength !== true) rest += framing;
  if (!fields.hasDate && frame?.hasDate !== true) rest += dateLine();
  if (closes || minor === 0) rest += "Connection: close\r\n";
  return { start: frame?.text ?? statusLine(answer.status), rest: `${rest}\r\n`, room: frame?.room };
};

const statusLine = (status: number): string => `HTTP/1.1 ${status} ${REASONS[status] ?? "Unknown"}\r\n`;

// Fields may have been taken out or changed since: then the frame says what the answer does not.
const frameOf = ({ status, headers, frame }: Answer): AnswerFrame | undefined => {
  if (frame === undefined || status !== frame.status || headers.length < frame.headers.length)
    return undefined;
  for (let i = 0; i < frame.headers.length; i++) if (headers[i] !== frame.headers[i]) return undefined;
  return frame;
};

const renderFields = (headers: readonly string[], from: number): HeadFields => {
  let text = "";
  let hasDate = false;
  let hasLength = false;
  for (let i = from; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (name.length === 4) hasDate ||= isNamed(name, "Date");
    if (name.length === 14) hasLength ||= isNamed(name, "Content-Length");
    text = `${text}${name}: ${headers[i + 1]}\r\n`;
  }
  return { text, hasDate, hasLength };
};

// Nearly every name is spelled as usual, or begins with another letter.
const isNamed = (name: string, usual: string): boolean =>
  name === usual ||
  ((name.charCodeAt(0) | 0x20) === (usual.charCodeAt(0) | 0x20) &&
    name.toLowerCase() === usual.toLowerCase());

let dateText = "";
let dateUntilMs = Number.NEGATIVE_INFINITY;

/** The Date field of this second (an IMF-fixdate) as a line; the wall clock is asked once a second. */
const dateLine = (): string => {
  const nowMs = momentMs();
  if (nowMs >= dateUntilMs) {
    const wallMs = Date.now();
    dateText = flat(`Date: ${new Date(wallMs).toUTCString()}\r\n`);
    dateUntilMs = nowMs + 1000 - (wallMs % 1000);
  }
  return dateText;
};
