// Writes the heads of answers as text. What is the same each time an answer leaves (status line, first fields, a body with
// room for a head in front of it) can be made ready once, as a frame; what differs is written behind it.

import { momentMs } from "../utils/moment.ts";
import type { Answer } from "./answer.ts";
import { HeadRoom } from "./headRoom.ts";
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

/** What an answer starts with each time it leaves. An answer of another status or with another list has no use for it. */
export interface AnswerFrame extends HeadFields {
  readonly status: number;
  /** The fields that stand in `text`, behind the status line; never changed. */
  readonly headers: readonly string[];
  /** Undefined for a body without room in front. */
  readonly room: HeadRoom | undefined;
}

/** Makes the frame of an answer that will leave many times. @param body - With head room, or a copy is made each time. */
export const toFrame = (status: number, headers: readonly string[], body?: Uint8Array): AnswerFrame => {
  const fields = renderFields(headers);
  const room = body === undefined ? undefined : HeadRoom.of(body);
  return { ...fields, text: flat(statusLine(status) + fields.text), status, headers, room };
};

// A text that was put together stays a tree of its parts, walked each time it is written, until it is made one.
const flat = (text: string): string => Buffer.from(text, "latin1").toString("latin1");

/** A head, where it can be had in two parts: the first leaves again and again, the other is new each time. */
export interface RenderedHead {
  readonly start: string;
  readonly rest: string;
  /** Of the frame that `start` is from. */
  readonly room: HeadRoom | undefined;
}

/** A whole head. @param framing - Lines that say how the body is framed, where the answer's own fields do not. */
export const renderHead = (answer: Answer, { closes, minor }: AnswerPlace, framing: string): RenderedHead => {
  const { status, headers, lines = "", frame } = answer;
  const isFramed = frame !== undefined && frame.headers === headers && frame.status === status;
  const { text, hasLength, hasDate } = isFramed ? frame : renderFields(headers);
  const length = hasLength ? "" : framing;
  const date = hasDate ? "" : dateLine();
  const rest = `${lines}${length}${date}${closes || minor === 0 ? CLOSING : END}`;
  return isFramed
    ? { start: text, rest, room: frame.room }
    : { start: statusLine(status) + text, rest, room: undefined };
};

const END = "\r\n";
const CLOSING = "Connection: close\r\n\r\n";

const statusLine = (status: number): string => `HTTP/1.1 ${status} ${REASONS[status] ?? "Unknown"}\r\n`;

const renderFields = (headers: readonly string[]): HeadFields => {
  let text = "";
  let hasDate = false;
  let hasLength = false;
  for (let i = 0; i < headers.length; i += 2) {
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
