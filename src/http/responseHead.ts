// Reads the head of an upstream answer: status, end-to-end headers, how the body is framed.
// Strict: what RFC 9112 leaves ambiguous is invalid here and ends in a 502, never in a guess.
import type { Framing } from "./bodyDecoder.ts";
import { isDroppedFromAnswers, tokens } from "../utils/headers.ts";

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

// Upstream repeats a dozen names; judging each spelling once keeps this off the hot path.
const NAMES_MAX = 512;
const names = new Map<string, { readonly lower: string; readonly dropped: boolean }>();

const judgeName = (name: string): { readonly lower: string; readonly dropped: boolean } | undefined => {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (!TOKEN.test(name)) return undefined;
  const lower = name.toLowerCase();
  const verdict = { lower, dropped: isDroppedFromAnswers(lower) };
  if (names.size < NAMES_MAX) names.set(name, verdict);
  return verdict;
};

interface Framer {
  length: string | undefined;
  transferEncoding: string | undefined;
  connection: string | undefined;
}

/**
 * Parses a head without its final blank line, decoded as latin1.
 * @returns undefined when it is not a valid HTTP/1.x head or its framing is ambiguous.
 */
export const parseResponseHead = (text: string, method: string): ResponseHead | undefined => {
  const lines = text.split("\r\n");
  const statusLine = STATUS_LINE.exec(lines[0] ?? "");
  if (statusLine === null) return undefined;
  const status = Number(statusLine[2]);
  const headers: string[] = [];
  const framer: Framer = { length: undefined, transferEncoding: undefined, connection: undefined };
  for (let i = 1; i < lines.length; i++) {
    if (!readField(lines[i] ?? "", headers, framer)) return undefined;
  }
  const named = framer.connection === undefined ? [] : tokens(framer.connection);
  const framing = toFraming(framer, status, method);
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

const readField = (line: string, headers: string[], framer: Framer): boolean => {
  const colon = line.indexOf(":");
  if (colon <= 0 || line.includes("\n") || line.includes("\r") || line.includes("\0")) return false;
  const name = line.slice(0, colon);
  const judgedName = judgeName(name);
  if (judgedName === undefined) return false;
  const value = line.slice(colon + 1).trim();
  switch (judgedName.lower) {
    case "content-length":
      if (framer.length !== undefined && framer.length !== value) return false;
      if (framer.length === undefined) headers.push(name, value);
      framer.length = value;
      return DIGITS.test(value);
    case "transfer-encoding":
      if (framer.transferEncoding !== undefined) return false;
      framer.transferEncoding = value.toLowerCase();
      return true;
    case "connection":
      framer.connection = framer.connection === undefined ? value : `${framer.connection},${value}`;
      return true;
    default:
      if (!judgedName.dropped) headers.push(name, value);
      return true;
  }
};

// RFC 9112 section 6.3.
const toFraming = (framer: Framer, status: number, method: string): Framing | undefined => {
  if (framer.transferEncoding !== undefined && (framer.length !== undefined || framer.transferEncoding !== "chunked")) {
    return undefined;
  }
  if (method === "HEAD" || status === 204 || status === 304 || status < 200) return { kind: "none" };
  if (framer.transferEncoding !== undefined) return { kind: "chunked" };
  if (framer.length !== undefined) return { kind: "length", length: Number(framer.length) };
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
