// Reads the head of an upstream answer: status, end-to-end headers, how the body is framed.
// Strict: what RFC 9112 leaves ambiguous is invalid here and ends in a 502, never in a guess.

import { isDroppedFromAnswers, tokens } from "../utils/headers.ts";
import type { Framing } from "./bodyDecoder.ts";
import { isLength, readFieldLine } from "./fieldLine.ts";
import { LineMemo } from "./lineMemo.ts";

export interface ResponseHead {
  readonly status: number;
  /** Flat list of end-to-end headers, names and order as sent. */
  readonly headers: string[];
  readonly framing: Framing;
  readonly keepsAlive: boolean;
}

/** Largest head accepted from upstream, in bytes. */
export const HEAD_BYTES_MAX = 65_536;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?$/;

interface StatusLine {
  readonly minor: string;
  readonly status: number;
}

interface Field {
  readonly name: string;
  readonly value: string;
  readonly lower: string;
  readonly isDropped: boolean;
}

const statusLines = new LineMemo<StatusLine>({
  read: (line) => {
    const parts = STATUS_LINE.exec(line);
    return parts === null ? undefined : { minor: parts[1] ?? "", status: Number(parts[2]) };
  },
  mayStay: () => true,
});

const fieldLines = new LineMemo<Field>({
  read: (line) => {
    const read = readFieldLine(line);
    if (read === undefined) return undefined;
    const lower = read.name.toLowerCase();
    return { ...read, lower, isDropped: isDroppedFromAnswers(lower) };
  },
  mayStay: ({ lower }) => lower !== "set-cookie",
});

interface Fields {
  readonly headers: string[];
  length: string | undefined;
  transferEncoding: string | undefined;
  connection: string | undefined;
}

/**
 * Parses a head without its final blank line, decoded as latin1.
 * @returns undefined when it is not a valid HTTP/1.x head or its framing is ambiguous.
 */
export const parseResponseHead = (text: string, method: string): ResponseHead | undefined => {
  const end = text.indexOf("\r\n");
  const statusLine = statusLines.of(end < 0 ? text : text.slice(0, end));
  const fields = statusLine === undefined ? undefined : readFields(text, end);
  if (statusLine === undefined || fields === undefined) return undefined;
  const { status, minor } = statusLine;
  const framing = toFraming(fields, status, method);
  if (framing === undefined) return undefined;
  const { headers, connection } = fields;
  const named = connection === undefined ? NONE : tokens(connection);
  const isPersistent = minor === "1" ? !named.includes("close") : named.includes("keep-alive");
  const extra = named === NONE ? NONE : named.filter((name) => name !== "close" && name !== "keep-alive");
  return {
    status,
    headers: extra.length === 0 ? headers : without(headers, extra),
    framing,
    keepsAlive: isPersistent && framing.kind !== "close",
  };
};

// From the end of the status line on; -1 when there is nothing behind it.
const readFields = (text: string, from: number): Fields | undefined => {
  const found: Fields = {
    headers: [],
    length: undefined,
    transferEncoding: undefined,
    connection: undefined,
  };
  for (let at = from; at >= 0; ) {
    const next = text.indexOf("\r\n", at + 2);
    const field = fieldLines.of(next < 0 ? text.slice(at + 2) : text.slice(at + 2, next));
    if (field === undefined || !take(field, found)) return undefined;
    at = next;
  }
  return found;
};

const NONE: readonly string[] = [];

const take = ({ name, value, lower, isDropped }: Field, fields: Fields): boolean => {
  switch (lower) {
    case "content-length":
      if (fields.length !== undefined && fields.length !== value) return false;
      if (fields.length === undefined) fields.headers.push(name, value);
      fields.length = value;
      return isLength(value);
    case "transfer-encoding":
      if (fields.transferEncoding !== undefined) return false;
      fields.transferEncoding = value.toLowerCase();
      return true;
    case "connection":
      fields.connection = fields.connection === undefined ? value : `${fields.connection},${value}`;
      return true;
    default:
      if (!isDropped) fields.headers.push(name, value);
      return true;
  }
};

// RFC 9112 section 6.3.
const toFraming = (fields: Fields, status: number, method: string): Framing | undefined => {
  if (
    fields.transferEncoding !== undefined &&
    (fields.length !== undefined || fields.transferEncoding !== "chunked")
  ) {
    return undefined;
  }
  if (method === "HEAD" || status === 204 || status === 304 || status < 200) return { kind: "none" };
  if (fields.transferEncoding !== undefined) return { kind: "chunked" };
  if (fields.length !== undefined) return { kind: "length", length: Number(fields.length) };
  return { kind: "close" };
};

const without = (headers: readonly string[], dropped: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (!dropped.includes(name.toLowerCase())) kept.push(name, headers[i + 1] ?? "");
  }
  return kept;
};
