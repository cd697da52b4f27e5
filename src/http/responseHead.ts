// Reads the head of an upstream answer: status, end-to-end headers, how the body is framed.
// Strict: what RFC 9112 leaves ambiguous is invalid here and ends in a 502, never in a guess.

import { isDroppedFromAnswers, tokens } from "../utils/headers.ts";
import type { Framing } from "./bodyDecoder.ts";
import { trimmed } from "./trimmed.ts";

export interface ResponseHead {
  readonly status: number;
  /** Flat list of end-to-end headers, names and order as sent. */
  readonly headers: string[];
  readonly framing: Framing;
  readonly keepsAlive: boolean;
}

/** Largest head accepted from upstream, in bytes. */
export const HEAD_BYTES_MAX = 65_536;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9][0-9])(?: |$)/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const DIGITS = /^[0-9]{1,15}$/;
// Visible characters, obs-text, blanks and whole line ends: one look at the head instead of one per field.
const CLEAN = /^(?:[\t\x20-\x7e\x80-\xff]|\r\n)*$/;

interface JudgedName {
  readonly lower: string;
  readonly isDropped: boolean;
}

// Upstream repeats a dozen names; judging each spelling once keeps this off the hot path.
const NAMES_MAX = 512;
const names = new Map<string, JudgedName>();

const judgeName = (name: string): JudgedName | undefined => {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (!TOKEN.test(name)) return undefined;
  const lower = name.toLowerCase();
  const verdict = { lower, isDropped: isDroppedFromAnswers(lower) };
  if (names.size < NAMES_MAX) names.set(name, verdict);
  return verdict;
};

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
  const statusLine = STATUS_LINE.exec(text);
  if (statusLine === null || !CLEAN.test(text)) return undefined;
  const status = Number(statusLine[2]);
  const fields: Fields = {
    headers: [],
    length: undefined,
    transferEncoding: undefined,
    connection: undefined,
  };
  for (let at = text.indexOf("\r\n"); at >= 0; ) {
    const next = text.indexOf("\r\n", at + 2);
    if (!readField(text.slice(at + 2, next < 0 ? text.length : next), fields)) return undefined;
    at = next;
  }
  const { headers } = fields;
  const named = fields.connection === undefined ? NONE : tokens(fields.connection);
  const framing = toFraming(fields, status, method);
  if (framing === undefined) return undefined;
  const isPersistent = statusLine[1] === "1" ? !named.includes("close") : named.includes("keep-alive");
  const extra = named.filter((name) => name !== "close" && name !== "keep-alive");
  return {
    status,
    headers: extra.length === 0 ? headers : without(headers, extra),
    framing,
    keepsAlive: isPersistent && framing.kind !== "close",
  };
};

const NONE: readonly string[] = [];

const readField = (line: string, fields: Fields): boolean => {
  const colon = line.indexOf(":");
  if (colon <= 0) return false;
  const name = line.slice(0, colon);
  const judged = judgeName(name);
  if (judged === undefined) return false;
  const value = trimmed(line, colon + 1, line.length);
  switch (judged.lower) {
    case "content-length":
      if (fields.length !== undefined && fields.length !== value) return false;
      if (fields.length === undefined) fields.headers.push(name, value);
      fields.length = value;
      return DIGITS.test(value);
    case "transfer-encoding":
      if (fields.transferEncoding !== undefined) return false;
      fields.transferEncoding = value.toLowerCase();
      return true;
    case "connection":
      fields.connection = fields.connection === undefined ? value : `${fields.connection},${value}`;
      return true;
    default:
      if (!judged.isDropped) fields.headers.push(name, value);
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
