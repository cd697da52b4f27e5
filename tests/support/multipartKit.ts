// Reads multipart bodies with the parser for its tests, and writes parts of them. Judges nothing but what a parser never does.
import { expect } from "bun:test";
import { MultipartError, type MultipartFault } from "../../src/multipart/multipartError.ts";
import { type MultipartLimits, MultipartParser } from "../../src/multipart/parser.ts";

/** One part as it was read; data as latin1, `open` when it never ended. */
export interface Part {
  name: string;
  filename?: string;
  contentType?: string;
  data: string;
}
/** What came of a body. */
export interface Outcome {
  parts: Part[];
  isEnded: boolean;
  fault?: MultipartFault;
}

/** Feeds `chunks` and collects parts; a MultipartError becomes `fault`, anything else is thrown. */
export const read = (
  chunks: Iterable<Uint8Array>,
  boundary = "BB",
  limits: Partial<MultipartLimits> = {},
): Outcome => {
  const outcome: Outcome = { parts: [], isEnded: false };
  let data: Buffer[] = [];
  const parser = new MultipartParser(
    boundary,
    {
      part: (info) => {
        data = [];
        outcome.parts.push({ ...info, data: "open" });
      },
      data: (chunk) => {
        expect(chunk.length).toBeGreaterThan(0);
        data.push(Buffer.from(chunk));
      },
      partEnd: () => {
        const last = outcome.parts.at(-1);
        if (last !== undefined) last.data = Buffer.concat(data).toString("latin1");
      },
      end: () => {
        outcome.isEnded = true;
      },
    },
    limits,
  );
  try {
    for (const chunk of chunks) parser.push(chunk);
    parser.finish();
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error;
    expect(error.reason).toMatch(/^[A-Z].*\.$/);
    outcome.fault = error.fault;
  }
  return outcome;
};

/** Reads a text in one piece. */
export const readText = (text: string, boundary?: string): Outcome => read([Buffer.from(text)], boundary);
/** How a part's first header begins. */
export const DISPOSITION = "Content-Disposition: form-data;";
/** A part with these headers. */
export const part = (headers: string, data: string): string => `--BB\r\n${headers}\r\n\r\n${data}\r\n`;
/** A text part. */
export const field = (name: string, data: string): string => part(`${DISPOSITION} name="${name}"`, data);
/** The final boundary. */
export const END = "--BB--\r\n";
