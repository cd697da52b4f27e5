// Reads the head of a client's request. Strict where RFC 9112 lets parsers differ: what two readers could
// understand differently is refused, so that no second request can hide in the first.
import { isLength, readFieldLine } from "./fieldLine.ts";
import { type FieldName, fieldName } from "./fieldName.ts";
import { LineMemo } from "./lineMemo.ts";

/** How the request body is framed on the wire. */
export type RequestFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" };

export interface RequestHead {
  readonly method: string;
  /** Request target as received: visible ASCII, at least one character. */
  readonly target: string;
  /** Minor version of HTTP/1. */
  readonly minor: 0 | 1;
  /** Fields in order; `names[i]` goes with `values[i]`. Values are latin1, trimmed. */
  readonly names: readonly FieldName[];
  readonly values: readonly string[];
  readonly framing: RequestFraming;
  readonly keepsAlive: boolean;
  readonly expectsContinue: boolean;
}

const FIELDS_MAX = 128;

export type HeadResult =
  | { readonly ok: true; readonly head: RequestHead }
  | { readonly ok: false; readonly reason: "malformed" | "too_large" };

const REQUEST_LINE = /^([A-Z]{1,16}) ([\x21-\x7e]+) HTTP\/1\.([01])$/;

const MALFORMED: HeadResult = { ok: false, reason: "malformed" };
const TOO_LARGE: HeadResult = { ok: false, reason: "too_large" };
const NO_BODY: RequestFraming = { kind: "none" };
const CHUNKED: RequestFraming = { kind: "chunked" };

const CLOSE = /(?:^|[\s,])close(?:$|[\s,])/i;
const WEB_SOCKET = /websocket/i;

interface Field {
  readonly name: FieldName;
  readonly value: string;
}

const SECRETS = new Set(["authorization", "cookie", "proxy-authorization"]);

const fieldLines = new LineMemo<Field>({
  read: (line) => {
    const read = readFieldLine(line);
    return read === undefined ? undefined : { name: fieldName(read.name), value: read.value };
  },
  mayStay: ({ name }) => !SECRETS.has(name.lower),
});

interface Fields {
  readonly names: FieldName[];
  readonly values: string[];
  length: string | undefined;
  transferEncoding: string | undefined;
  connection: string;
  expect: string;
  upgrade: string;
}

/** Parses a head without its final blank line, decoded as latin1. */
export const parseRequestHead = (text: string): HeadResult => {
  const end = text.indexOf("\r\n");
  const requestLine = REQUEST_LINE.exec(end < 0 ? text : text.slice(0, end));
  const fields: Fields = {
    names: [],
    values: [],
    length: undefined,
    transferEncoding: undefined,
    connection: "",
    expect: "",
    upgrade: "",
  };
  if (requestLine === null || !readFields(text, end, fields)) return refused(text);
  const [, method = "", target = "", version] = requestLine;
  const minor = version === "1" ? 1 : 0;
  const framing = toFraming(fields, minor);
  if (framing === undefined) return refused(text);
  const { names, values } = fields;
  // An answer to a request for a WebSocket ends the connection or hands it over: a proxy that takes a refusal for a
  // tunnel shall not find anybody at its other end.
  const keepsAlive = minor === 1 && !CLOSE.test(fields.connection) && !WEB_SOCKET.test(fields.upgrade);
  const expectsContinue = minor === 1 && fields.expect.toLowerCase() === "100-continue";
  return { ok: true, head: { method, target, minor, names, values, framing, keepsAlive, expectsContinue } };
};
// Too many fields are the first thing that is wrong with a head.
const refused = (text: string): HeadResult =>
  text.split("\r\n").length > FIELDS_MAX + 1 ? TOO_LARGE : MALFORMED;

// From the end of the request line on; -1 when there is nothing behind it.
const readFields = (text: string, from: number, fields: Fields): boolean => {
  const { names, values } = fields;
  for (let at = from; at >= 0; ) {
    const next = text.indexOf("\r\n", at + 2);
    const field = fieldLines.of(next < 0 ? text.slice(at + 2) : text.slice(at + 2, next));
    if (field === undefined || names.push(field.name) > FIELDS_MAX) return false;
    values.push(field.value);
    if (!noteFraming(fields, field.name.lower, field.value)) return false;
    at = next;
  }
  return true;
};

const noteFraming = (fields: Fields, lower: string, value: string): boolean => {
  switch (lower) {
    case "content-length":
      if (fields.length !== undefined || !isLength(value)) return false;
      fields.length = value;
      return true;
    case "transfer-encoding":
      if (fields.transferEncoding !== undefined || value.toLowerCase() !== "chunked") return false;
      fields.transferEncoding = value;
      return true;
    case "connection":
      fields.connection += `,${value}`;
      return true;
    case "expect":
      fields.expect = value;
      return true;
    case "upgrade":
      fields.upgrade += value;
      return true;
    default:
      return true;
  }
};

// RFC 9112 section 6.3; both fields at once is request smuggling until proven otherwise.
const toFraming = (fields: Fields, minor: 0 | 1): RequestFraming | undefined => {
  if (fields.transferEncoding !== undefined) {
    return fields.length !== undefined || minor === 0 ? undefined : CHUNKED;
  }
  const length = Number(fields.length ?? 0);
  return length === 0 ? NO_BODY : { kind: "length", length };
};
