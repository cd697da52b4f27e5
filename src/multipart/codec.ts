// The multipart feature as one value, for features that are handed it instead of importing it.
import { readBoundary } from "./contentType.ts";
import { MultipartError } from "./multipartError.ts";
import { type MultipartEvents, type MultipartLimits, MultipartParser } from "./parser.ts";
import { createMultipartWriter } from "./writer.ts";

/** Strict reading and writing of multipart/form-data. `reasonOf` is undefined for errors of another kind. */
export const multipartCodec = {
  readBoundary,
  createParser: (
    boundary: string,
    events: MultipartEvents,
    limits?: Partial<MultipartLimits>,
  ): MultipartParser => new MultipartParser(boundary, events, limits),
  createWriter: createMultipartWriter,
  reasonOf: (error: unknown): string | undefined =>
    error instanceof MultipartError ? error.reason : undefined,
} as const;
