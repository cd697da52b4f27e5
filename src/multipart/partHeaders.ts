// Reads the header block of one part. Stricter than Go's reader, but whatever it accepts it reads to the
// same name and filename as Go does, so that PocketBase and Hapta never disagree about a part.
import { MultipartError } from "./multipartError.ts";

/** What a part says about itself. An absent `filename` and an empty one are different. */
export interface PartInfo {
  readonly name: string;
  readonly filename?: string;
  /** As sent, checked to be one line of printable ASCII. */
  readonly contentType?: string;
}

const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\s\S]*)$/;
const PARAMETER =
  /^[ \t]*;[ \t]*([A-Za-z0-9\-*]+)=(?:"((?:[^"\\]|\\[\s\S])*)"|([!#$%&'*+\-.^_`|~0-9A-Za-z]+))/;
// Go takes a backslash for an escape only before these; `C:\dir\a.png` keeps its backslashes.
const ESCAPED = /\\([()<>@,;:\\"/[\]?=])/g;
const CONTROL = /\p{Cc}/u;
const PRINTABLE = /^[\x20-\x7e]*$/;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses a part's header block (without the blank line that ends it).
 *
 * Names are matched in any case; fields other than the three that matter are checked and left out.
 * @throws MultipartError `header`, `disposition`, `name`, `encoding`, `nested` or `limit`.
 */
export const parsePartHeaders = (block: Uint8Array, headersMax: number): PartInfo => {
  const fields = readFields(block, headersMax);
  // These three say "the bytes as they are" (RFC 2045 section 6.2); PocketBase's Dart SDK sends `binary`.
  const encoding = fields.get("content-transfer-encoding")?.toLowerCase();
  if (encoding !== undefined && !["binary", "8bit", "7bit"].includes(encoding)) {
    throw new MultipartError(
      "encoding",
      "A part has a Content-Transfer-Encoding that changes its bytes; send them as they are.",
    );
  }
  const disposition = fields.get("content-disposition");
  if (disposition === undefined) {
    throw new MultipartError("disposition", "A part has no Content-Disposition header.");
  }
  const contentType = fields.get("content-type");
  if (contentType !== undefined) checkContentType(contentType);
  return { ...readDisposition(disposition), ...(contentType === undefined ? {} : { contentType }) };
};

const readFields = (block: Uint8Array, headersMax: number): ReadonlyMap<string, string> => {
  const lines = decode(block).split("\r\n");
  if (lines.length > headersMax) {
    throw new MultipartError("limit", `A part has more than ${headersMax} headers.`);
  }
  const fields = new Map<string, string>();
  for (const line of lines) {
    const match = HEADER.exec(line);
    // A tab between words is legal in a field value; every other control character is a smuggling attempt.
    if (match === null || CONTROL.test(line.replaceAll("\t", ""))) {
      throw new MultipartError("header", "A part has a malformed header line.");
    }
    const [, name = "", value = ""] = match;
    const key = name.toLowerCase();
    if (fields.has(key)) throw new MultipartError("header", `A part has the header "${key}" twice.`);
    fields.set(key, trimBlanks(value));
  }
  return fields;
};

// By hand: a pattern for trailing blanks takes quadratic time on a long run of them.
const trimBlanks = (text: string): string => {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
};

const isBlank = (character: string | undefined): boolean => character === " " || character === "\t";

const decode = (block: Uint8Array): string => {
  try {
    return UTF8.decode(block);
  } catch {
    throw new MultipartError("header", "A part has headers that are not valid UTF-8.");
  }
};

const checkContentType = (value: string): void => {
  if (!PRINTABLE.test(value)) {
    throw new MultipartError(
      "header",
      "A part has a Content-Type with characters that are not printable ASCII.",
    );
  }
  if (/^(?:multipart|message)\//i.test(value)) {
    throw new MultipartError("nested", "A part may not itself be a multipart or message body.");
  }
};

const readDisposition = (value: string): { name: string; filename?: string } => {
  const type = /^form-data/i.exec(value);
  if (type === null)
    throw new MultipartError("disposition", "A part's Content-Disposition is not form-data.");
  const found = new Map<string, string>();
  let rest = value.slice(type[0].length);
  while (rest !== "") {
    const match = PARAMETER.exec(rest);
    if (match === null) {
      throw new MultipartError("disposition", "A part's Content-Disposition has a malformed parameter.");
    }
    const [all, parameter = "", quoted, bare = ""] = match;
    const key = parameter.toLowerCase();
    if (key !== "name" && key !== "filename") {
      throw new MultipartError("disposition", `The Content-Disposition parameter "${key}" is not supported.`);
    }
    if (found.has(key)) throw new MultipartError("disposition", `A part has the parameter "${key}" twice.`);
    found.set(key, quoted === undefined ? bare : quoted.replace(ESCAPED, "$1"));
    rest = rest.slice(all.length);
  }
  return checkNames(found.get("name"), found.get("filename"));
};

const checkNames = (
  name: string | undefined,
  filename: string | undefined,
): { name: string; filename?: string } => {
  if (name === undefined || name === "") throw new MultipartError("name", "A part has no name.");
  if (CONTROL.test(name) || (filename !== undefined && CONTROL.test(filename))) {
    throw new MultipartError("name", "A part has a control character in its name or filename.");
  }
  return filename === undefined ? { name } : { name, filename };
};
