// Which part of a kept file a request gets, and with which headers: conditions and ranges (RFC 9110 sections 13 and 14)
// as Go's file server understands them. What is rare is left to PocketBase. Sends nothing.
import { headerValue } from "../utils/headers.ts";
import type { FileEntry } from "./fileEntry.ts";

/** What to send: bytes `from` up to, without, `to`. */
export interface FilePart {
  readonly status: 200 | 206 | 304;
  readonly headers: string[];
  readonly from: number;
  readonly to: number;
}

/** @returns undefined for what PocketBase shall answer itself: several ranges, ranges that fit nothing, odd conditions. */
export const partOf = (entry: FileEntry, headers: readonly string[]): FilePart | undefined => {
  const ifMatch = headerValue(headers, "if-match");
  if (ifMatch !== undefined && !names(ifMatch, entry.etag)) return undefined;
  if (headerValue(headers, "if-unmodified-since") !== undefined) return undefined;
  const whole = { headers: withTag(entry), from: 0, to: entry.length };
  if (isUnchanged(entry, headers)) return { ...whole, status: 304, headers: notModified(entry), to: 0 };
  const range = headerValue(headers, "range");
  if (range === undefined || !mayTakeRange(entry, headerValue(headers, "if-range")))
    return { ...whole, status: 200, headers: [...whole.headers, "Content-Length", String(entry.length)] };
  const span = readRange(range, entry.length);
  if (span === undefined) return undefined;
  const [from, to] = span;
  const place = [
    "Content-Range",
    `bytes ${from}-${to - 1}/${entry.length}`,
    "Content-Length",
    String(to - from),
  ];
  return { status: 206, headers: [...whole.headers, ...place], from, to };
};

const withTag = ({ headers, etag }: FileEntry): string[] => [...headers, "ETag", etag];

const notModified = (entry: FileEntry): string[] =>
  withTag(entry).filter((_, i, all) => !/^(?:content-type|accept-ranges)$/i.test(all[i - (i % 2)] ?? ""));

const names = (list: string, etag: string): boolean =>
  list.split(",").some((one) => {
    const tag = one.trim();
    return tag === "*" || tag === etag;
  });

// Weakly, as section 13.1.2 says: a proxy may have weakened the tag.
const isUnchanged = ({ etag, lastModified }: FileEntry, headers: readonly string[]): boolean => {
  const ifNoneMatch = headerValue(headers, "if-none-match");
  if (ifNoneMatch !== undefined) return names(ifNoneMatch.replaceAll("W/", ""), etag);
  const since = headerValue(headers, "if-modified-since");
  if (since === undefined || lastModified === undefined) return false;
  return Date.parse(lastModified) <= Date.parse(since);
};

const mayTakeRange = ({ etag, lastModified }: FileEntry, ifRange: string | undefined): boolean =>
  ifRange === undefined || ifRange === etag || ifRange === lastModified;

// One range that lies at least partly within the file.
const readRange = (range: string, length: number): readonly [from: number, to: number] | undefined => {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range);
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") {
    const count = Number(last);
    return last === "" || count === 0 || length === 0 ? undefined : [Math.max(0, length - count), length];
  }
  const from = Number(first);
  const to = last === "" ? length : Math.min(length, Number(last) + 1);
  return from < length && from < to ? [from, to] : undefined;
};
