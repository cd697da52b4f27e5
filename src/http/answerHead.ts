// Writes the heads of answers as text. What is the same each time an answer leaves (status line, first fields, a body with
// room for a head in front of it) can be made ready once, as a frame; what differs is written behind it.
import type { Answer } from "./answer.ts";
import { REASONS } from "./reasons.ts";

/** What the request and its connection say about how an answer is written. */
export interface AnswerPlace {
  readonly isHead: boolean;
  readonly minor: 0 | 1;
  /** Announces that the connection ends with this answer. */
  readonly closes: boolean;
}

/** The start of a head: status line and fields, each with its CRLF, and which of those Hapta writes are among them. */
interface HeadStart {
  readonly text: string;
  readonly hasDate: boolean;
  readonly hasLength: boolean;
}

/** What an answer starts with each time it leaves. An answer whose status or first fields are others has no use for it. */
export interface AnswerFrame extends HeadStart {
  readonly status: number;
  /** The fields that stand in `text`, as a flat list. */
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
  const start = { text: statusLine(status), hasDate: false, hasLength: false };
  const room = body !== undefined && headRoomOf(body) > 0 ? Buffer.from(body.buffer) : undefined;
  return { ...addFields(start, headers, 0), status, headers, room };
};

/** Bytes in front of a body that are there for its head; 0 for any other than those of {@link withHeadRoom}. */
export const headRoomOf = ({ buffer, byteOffset, length }: Uint8Array): number =>
  byteOffset === HEAD_ROOM_BYTES && buffer.byteLength === HEAD_ROOM_BYTES + length ? HEAD_ROOM_BYTES : 0;

/** A whole head. @param framing - Lines that say how the body is framed, where the answer's own fields do not. */
export const renderHead = (answer: Answer, { closes, minor }: AnswerPlace, framing: string): string => {
  const { frame, headers, status } = answer;
  const isFramed = frame !== undefined && startsWith(answer, frame);
  const start = isFramed ? frame : { text: statusLine(status), hasDate: false, hasLength: false };
  let { text, hasDate, hasLength } = addFields(start, headers, isFramed ? frame.headers.length : 0);
  if (!hasLength) text += framing;
  if (!hasDate) text += `Date: ${httpDate()}\r\n`;
  if (closes || minor === 0) text += "Connection: close\r\n";
  return `${text}\r\n`;
};

const statusLine = (status: number): string => `HTTP/1.1 ${status} ${REASONS[status] ?? "Unknown"}\r\n`;

// Fields may have been taken out or changed since: then the frame says what the answer does not.
const startsWith = ({ status, headers }: Answer, frame: AnswerFrame): boolean => {
  if (status !== frame.status || headers.length < frame.headers.length) return false;
  for (let i = 0; i < frame.headers.length; i++) if (headers[i] !== frame.headers[i]) return false;
  return true;
};

const addFields = (start: HeadStart, headers: readonly string[], from: number): HeadStart => {
  let { text, hasDate, hasLength } = start;
  for (let i = from; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (name.length === 4) hasDate ||= isNamed(name, "Date");
    if (name.length === 14) hasLength ||= isNamed(name, "Content-Length");
    text += `${name}: ${headers[i + 1]}\r\n`;
  }
  return { text, hasDate, hasLength };
};

// Nearly every name is spelled as usual, or begins with another letter.
const isNamed = (name: string, usual: string): boolean =>
  name === usual ||
  ((name.charCodeAt(0) | 0x20) === (usual.charCodeAt(0) | 0x20) &&
    name.toLowerCase() === usual.toLowerCase());

let dateText = "";
let dateSecond = 0;

/** The current IMF-fixdate, made once a second. */
const httpDate = (): string => {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
};
