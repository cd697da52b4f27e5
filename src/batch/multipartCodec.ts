// What a batch needs of a multipart reader and writer. Types only: features do not import each other, so
// whoever calls hands the real one in.

export interface BatchPartInfo {
  readonly name: string;
  readonly filename?: string;
  readonly contentType?: string;
}

export interface BatchPartEvents {
  part(info: BatchPartInfo): void;
  data(chunk: Uint8Array): void;
  partEnd(): void;
  end(): void;
}

export interface BatchParser {
  push(chunk: Uint8Array): void;
  finish(): void;
}

export interface BatchWriter {
  readonly contentType: string;
  partStart(info: BatchPartInfo): Uint8Array;
  partEnd(): Uint8Array;
  end(): Uint8Array;
}

/** `readBoundary` and the parser throw errors for which `reasonOf` has a sentence. */
export interface MultipartCodec {
  readBoundary(contentType: string): string;
  createParser(boundary: string, events: BatchPartEvents): BatchParser;
  createWriter(): BatchWriter;
  reasonOf(error: unknown): string | undefined;
}
