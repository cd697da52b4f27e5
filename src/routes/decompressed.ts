// Undoes gzip on a whole answer, so that it can be looked into. Nothing else is undone: PocketBase has no other.
import { gunzipSync } from "node:zlib";
import type { Answer } from "../http/answer.ts";
import { headerValue } from "../utils/headers.ts";

const BYTES_MAX = 8_388_608;

/** The answer without its `Content-Encoding: gzip`; as it is when it has none, is streamed, or does not unpack. */
export const decompressed = (answer: Answer): Answer => {
  const { body, headers, status } = answer;
  if (!(body instanceof Uint8Array) || headerValue(headers, "content-encoding")?.toLowerCase() !== "gzip")
    return answer;
  try {
    const plain = gunzipSync(body, { maxOutputLength: BYTES_MAX });
    return { status, headers: withoutHeaders(headers, ["content-encoding", "content-length"]), body: plain };
  } catch {
    return answer; // no gzip after all, or far too large for a login
  }
};

/** A flat header list without the named ones (lower case). */
export const withoutHeaders = (headers: readonly string[], names: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (!names.includes(name.toLowerCase())) kept.push(name, headers[i + 1] ?? "");
  }
  return kept;
};
