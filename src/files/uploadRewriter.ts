// A form with files, read strictly while it flows and written anew under a boundary of its own: PocketBase sees exactly
// the parts that were understood here. Holds no part; what is to be refused, it is told by a judge and by checks.
import { Refusal } from "../errors.ts";
import type { BodySink, BodySource } from "../http/answer.ts";
import type { FileCheck, UploadedFile } from "./fileCheck.ts";
import { type FormJudge, type Objection, policyRefusal } from "./formJudge.ts";
import { createUploadCounts, type UploadCounts } from "./uploads.ts";

interface PartInfo {
  readonly name: string;
  readonly filename?: string;
  readonly contentType?: string;
}

interface PartEvents {
  part(info: PartInfo): void;
  data(chunk: Uint8Array): void;
  partEnd(): void;
  end(): void;
}

/** What this needs of a multipart reader and writer; handed in, because features do not import each other. */
export interface UploadCodec {
  readBoundary(contentType: string): string;
  createParser(
    boundary: string,
    events: PartEvents,
    limits: { readonly partsMax: number },
  ): { push(chunk: Uint8Array): void; finish(): void };
  createWriter(): {
    readonly contentType: string;
    partStart(info: PartInfo): Uint8Array;
    partEnd(): Uint8Array;
    end(): Uint8Array;
  };
  /** The sentence for an error of the reader; undefined for errors of another kind. */
  reasonOf(error: unknown): string | undefined;
}

/** Looks at the parts of a form as they come. A breach of a policy ends the upload. */
export interface UploadJudge extends Pick<FormJudge, "part" | "data"> {
  /**
   * Whether a limit that is broken ends the upload here: undefined leaves it to PocketBase. Asked once for a form.
   * @param restBytes - What is still to come; undefined when the client did not say.
   */
  settle?(objection: Objection, restBytes: number | undefined): Promise<Refusal | undefined>;
}

export interface UploadOptions {
  /** The Content-Type as received. */
  readonly contentType: string;
  readonly codec: UploadCodec;
  /** Of the whole body; undefined when the client did not say. */
  readonly length?: number | undefined;
  readonly judge?: UploadJudge | undefined;
  /** Where this one is counted. */
  readonly counts?: UploadCounts;
  /** Looks into each file; undefined when nobody does. */
  readonly check?: ((file: UploadedFile, onRoom: () => void) => FileCheck) | undefined;
}

/** Go's own bound (`mime/multipart`): PocketBase reads no form with more parts. */
const PARTS_MAX = 1000;

/**
 * One upload on its way. As a source it gives the rewritten body, at the pace of whoever reads it.
 *
 * What is wrong with the body fails the source, so that the upstream never gets its end, and is kept in `refusal`.
 */
export class UploadRewriter implements BodySource {
  /** Value of the Content-Type that belongs to what comes out. */
  readonly contentType: string;
  /** Why the body was broken off; undefined as long as nothing is wrong with it. */
  refusal: Refusal | undefined;
  readonly #source: BodySource;
  readonly #options: UploadOptions;
  readonly #writer: ReturnType<UploadCodec["createWriter"]>;
  readonly #parser: ReturnType<UploadCodec["createParser"]>;
  #sink: BodySink | undefined;
  #pieces: Uint8Array[] = [];
  #checks: FileCheck[] = [];
  /** Of the file whose bytes arrive. */
  #check: FileCheck | undefined;
  /** Settles to what becomes of the first limit that is broken; nothing is read on meanwhile. */
  #objected: Promise<Refusal | undefined> | undefined;
  #isAsking = false;
  #takenBytes = 0;
  readonly #counts: UploadCounts;
  #isStarted = false;
  #isOver = false;
  #hasRoom = true;

  /** @throws Refusal `body_invalid` when the Content-Type names no boundary that can be trusted. */
  constructor(source: BodySource, options: UploadOptions) {
    const { codec, contentType } = options;
    this.#source = source;
    this.#options = options;
    this.#counts = options.counts ?? createUploadCounts();
    this.#writer = codec.createWriter();
    this.contentType = this.#writer.contentType;
    try {
      this.#parser = codec.createParser(codec.readBoundary(contentType), this.#events(), {
        partsMax: PARTS_MAX,
      });
    } catch (error) {
      throw this.#toRefusal(error);
    }
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#isStarted = true;
    this.#counts.underway += 1;
    this.#source.start({
      data: (chunk) => this.#take(chunk),
      end: () => this.#finish(),
      fail: (error) => (error instanceof Refusal ? this.#refuse(error) : this.#fail(error)),
    });
  }

  resume(): void {
    this.#hasRoom = true;
    this.#resumeIfFree();
  }

  cancel(): void {
    this.#end("broken");
    this.#dropChecks();
    this.#source.cancel();
  }

  #events(): PartEvents {
    return {
      part: (info) => {
        const { name, filename, contentType } = info;
        this.#check = undefined;
        if (filename !== undefined && filename !== "" && this.#options.check !== undefined) {
          const file = { field: name, name: filename, declaredType: contentType };
          this.#check = this.#options.check(file, () => this.#resumeIfFree());
          this.#checks.push(this.#check);
        }
        this.#object(this.#options.judge?.part(info));
        this.#pieces.push(this.#writer.partStart(info));
      },
      data: (chunk) => {
        this.#object(this.#options.judge?.data(chunk));
        this.#check?.data(chunk);
        this.#pieces.push(chunk);
      },
      partEnd: () => {
        this.#check?.end();
        this.#check = undefined;
        this.#pieces.push(this.#writer.partEnd());
      },
      end: () => undefined,
    };
  }

  #take(chunk: Uint8Array): boolean {
    if (this.#isOver) return true;
    this.#takenBytes += chunk.length;
    this.#counts.bytes += chunk.length;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      this.#refuse(this.#toRefusal(error));
      return true;
    }
    this.#hasRoom = this.#flush();
    return this.#isFree();
  }

  /** @throws Refusal for a breach of a policy. */
  #object(objection: Objection | undefined): void {
    if (objection === undefined) return;
    if (objection.kind === "policy") throw policyRefusal(objection);
    const { judge, length } = this.#options;
    if (this.#objected !== undefined || judge?.settle === undefined) return;
    this.#isAsking = true;
    const rest = length === undefined ? undefined : length - this.#takenBytes;
    this.#objected = judge.settle(objection, rest);
    this.#objected.then(
      (refusal) => {
        this.#isAsking = false;
        if (refusal === undefined) this.#resumeIfFree();
        else this.#refuse(refusal);
      },
      (error) => this.#refuse(new Refusal("internal", { cause: error })),
    );
  }

  // One piece for what came as one: each piece becomes a chunk of its own on the wire.
  #flush(): boolean {
    const pieces = this.#pieces;
    this.#pieces = [];
    const [first] = pieces;
    if (first === undefined) return this.#hasRoom;
    return this.#sink?.data(pieces.length === 1 ? first : Buffer.concat(pieces)) ?? true;
  }

  #finish(): void {
    if (this.#isOver) return;
    try {
      this.#parser.finish();
    } catch (error) {
      return this.#refuse(this.#toRefusal(error));
    }
    if (this.#checks.length === 0 && this.#objected === undefined) return this.#complete();
    // The last boundary stays here until all files are found good: without it PocketBase has no request to act on.
    Promise.all([this.#objected, ...this.#checks.map(({ verdict }) => verdict)]).then(
      (verdicts) => {
        const refusal = verdicts.find((verdict) => verdict !== undefined);
        if (refusal === undefined) this.#complete();
        else this.#refuse(refusal);
      },
      (error) => this.#refuse(new Refusal("internal", { cause: error })),
    );
  }

  #complete(): void {
    if (this.#isOver) return;
    this.#end("whole");
    this.#sink?.data(this.#writer.end());
    this.#sink?.end();
  }

  #refuse(refusal: Refusal): void {
    if (this.#isOver) return;
    this.refusal = refusal;
    this.#source.cancel();
    this.#fail(refusal);
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#end(this.refusal === undefined ? "broken" : "refused");
    this.#dropChecks();
    this.#sink?.fail(error);
  }

  #end(how: "whole" | "refused" | "broken"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isStarted) return;
    this.#counts.underway -= 1;
    this.#counts[how] += 1;
  }

  #isFree(): boolean {
    return this.#hasRoom && !this.#isAsking && this.#check?.isFull !== true;
  }

  #resumeIfFree(): void {
    if (!this.#isOver && this.#isFree()) this.#source.resume();
  }

  #dropChecks(): void {
    for (const check of this.#checks.splice(0)) check.drop();
  }

  #toRefusal(error: unknown): Refusal {
    if (error instanceof Refusal) return error;
    const reason = this.#options.codec.reasonOf(error);
    if (reason === undefined) throw error;
    return new Refusal("body_invalid", {
      data: { body: { code: "validation_invalid_body", message: reason } },
    });
  }
}
