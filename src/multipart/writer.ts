// Writes multipart/form-data anew under a boundary of its own. Part data is not copied: the caller sends it
// between the pieces made here.
import { randomBytes } from "node:crypto";
import type { PartInfo } from "./partHeaders.ts";

/** Pieces of one body. A part is `partStart`, its data, `partEnd`; parts may be sent in any order. */
export interface MultipartWriter {
  /** Value for the Content-Type header. */
  readonly contentType: string;
  partStart(info: PartInfo): Uint8Array;
  partEnd(): Uint8Array;
  /** The final boundary. */
  end(): Uint8Array;
}

const PART_END = Buffer.from("\r\n");
const CONTROL = /\p{Cc}/u;

/**
 * Starts a body under 192 random bits, so that nothing a client sends can hold the boundary.
 *
 * Names and filenames are quoted with backslashes (`\"`, `\\`), which is what Go's `mime` package undoes;
 * percent signs are left alone, because Go does not decode them.
 */
export const createMultipartWriter = (): MultipartWriter => {
  const boundary = `hapta-${randomBytes(24).toString("hex")}`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    partStart: (info) => Buffer.from(`--${boundary}\r\n${renderPartHeaders(info)}\r\n`),
    partEnd: () => PART_END,
    end: () => Buffer.from(`--${boundary}--\r\n`),
  };
};

/** @throws TypeError for control characters or lone surrogates: no checked part has any. */
const renderPartHeaders = ({ name, filename, contentType }: PartInfo): string => {
  const file = filename === undefined ? "" : `; filename=${quote(filename)}`;
  const type = contentType === undefined ? "" : `Content-Type: ${oneLine(contentType)}\r\n`;
  return `Content-Disposition: form-data; name=${quote(name)}${file}\r\n${type}`;
};

const quote = (text: string): string => `"${oneLine(text).replace(/["\\]/g, "\\$&")}"`;

const oneLine = (text: string): string => {
  if (CONTROL.test(text) || !text.isWellFormed()) {
    throw new TypeError("A part's name, filename or type can't be written on one line.");
  }
  return text;
};
