// A multipart batch, read strictly and written anew while it flows: the checked payload first, then the
// files. The multipart reader and writer are handed in; this file knows what the parts of a batch mean.
import { Readable } from "node:stream";
import { Refusal } from "../errors.ts";
import { foldMemberName } from "../utils/strictJson.ts";
import { BLANK, refusedList, unreadableBatch } from "./batchFaults.ts";
import { BatchFiles } from "./batchFiles.ts";
import { ByteHold } from "./byteHold.ts";
import type {
  BatchParser,
  BatchPartEvents,
  BatchPartInfo,
  BatchWriter,
  MultipartCodec,
} from "./multipartCodec.ts";
import { rebuildBatchPayload } from "./subRequests.ts";

export interface MultipartBatchOptions {
  /** The request body. Paused, never destroyed, when the batch is refused. */
  readonly stream: Readable;
  readonly contentType: string;
  readonly isAdmin: boolean;
  readonly payloadBytesMax: number;
  /** Reads and writes the parts: `multipartCodec` of the multipart feature. */
  readonly codec: MultipartCodec;
  /**
   * Most bytes of files, part headers included, that are kept in memory when they come before the payload
   * (the official JavaScript SDK sends them so). 0 refuses a payload after a file. Default 32 MiB.
   */
  readonly heldBytesMax?: number;
  /** Ends the wait for the client; its reason should be a Refusal. */
  readonly signal?: AbortSignal;
}

/** A body ready to be sent. `stream` fails with a Refusal when the rest of the body proves to be bad. */
export interface MultipartBatch {
  readonly contentType: string;
  readonly stream: Readable;
  /** The checked payload, as it is sent: `{"requests":[...]}`. */
  readonly payload: Uint8Array;
  /** All of them when they came before the payload; otherwise those that have come yet. */
  readonly files: BatchFiles;
}

/** Default of `heldBytesMax`. */
export const HELD_BYTES_MAX = 32 * 1024 * 1024;

const PAYLOAD = "@jsonPayload";
// PocketBase reads `requests.N.field` and `requests[N].field`, N without leading zeros, `+` before or after.
const FILE_NAME = /^requests(?:\.(?:0|[1-9]\d{0,3})|\[(?:0|[1-9]\d{0,3})\])\.\+?\w{1,255}\+?$/;

/**
 * Rebuilds a multipart batch. Resolves once the payload is checked and either another part or the end of the form has
 * come, before any byte is handed on.
 *
 * The body must hold one text part `@jsonPayload`, and files named `requests.N.field` or
 * `requests[N].field`. Other text parts, which PocketBase ignores, are left out.
 * @throws Refusal `body_invalid`, `body_too_large`, or what {@link rebuildBatchPayload} throws.
 */
export const rebuildMultipartBatch = (options: MultipartBatchOptions): Promise<MultipartBatch> =>
  new Promise((resolve, reject) => new Rebuild(options, { resolve, reject }).start());

interface Settle {
  resolve(batch: MultipartBatch): void;
  reject(error: unknown): void;
}

class Rebuild implements BatchPartEvents {
  readonly #options: MultipartBatchOptions;
  readonly #settle: Settle;
  readonly #writer: BatchWriter;
  readonly #held = new ByteHold();
  readonly #payload = new ByteHold();
  #rebuilt: Uint8Array = Buffer.alloc(0);
  #parser: BatchParser | undefined;
  #part: "payload" | "file" | "skipped" = "skipped";
  readonly #files = new BatchFiles();
  #hasPayload = false;
  #output: Readable | undefined;
  /** What comes behind the payload is known: more parts, or nothing. */
  #isReady = false;
  #isResolved = false;
  // Until the output is first read, what belongs into it and what went wrong wait here: a stream that fails
  // before anybody listens fails unheard. null is its end.
  #queue: (Uint8Array | null)[] = [];
  #failure: Error | undefined;
  #isFlowing = false;

  constructor(options: MultipartBatchOptions, settle: Settle) {
    this.#options = options;
    this.#settle = settle;
    this.#writer = options.codec.createWriter();
  }

  start(): void {
    const { stream, signal, contentType, codec } = this.#options;
    // Outlives the work: a client that breaks off after a refusal must not become an uncaught error.
    stream.on("error", () => undefined);
    this.#guarded(() => {
      if (stream.destroyed || stream.readableEnded) throw new Refusal("body_invalid");
      signal?.throwIfAborted();
      this.#parser = codec.createParser(codec.readBoundary(contentType), this);
      signal?.addEventListener("abort", this.#onAbort, { once: true });
      stream.once("end", this.#onEnd);
      stream.once("close", this.#onBreak);
      stream.once("error", this.#onError);
      stream.on("data", this.#onData);
    });
  }

  part(info: BatchPartInfo): void {
    const isFile = info.filename !== undefined && info.filename !== "";
    this.#isReady = this.#output !== undefined;
    if (info.name === PAYLOAD) {
      if (isFile) throw unreadableBatch(`The part ${PAYLOAD} must be text, without a filename.`);
      if (this.#hasPayload) throw unreadableBatch(`The part ${PAYLOAD} appears twice.`);
      this.#hasPayload = true;
      this.#part = "payload";
    } else if (isFile) {
      if (!FILE_NAME.test(info.name)) throw unreadableBatch('A file must be named like "requests.0.field".');
      this.#part = "file";
      this.#files.begin(info.name);
      this.#write(this.#writer.partStart(info));
    } else {
      // Would fill the list itself, behind the payload's back.
      if (foldMemberName(info.name) === "requests")
        throw unreadableBatch(`The requests belong into ${PAYLOAD}.`);
      this.#part = "skipped";
    }
  }

  data(chunk: Uint8Array): void {
    if (this.#part === "file") {
      this.#files.add(chunk.length);
      this.#write(chunk);
    }
    if (this.#part !== "payload") return;
    if (this.#payload.length + chunk.length > this.#options.payloadBytesMax)
      throw new Refusal("body_too_large");
    this.#payload.append(chunk);
  }

  partEnd(): void {
    if (this.#part === "file") this.#write(this.#writer.partEnd());
    if (this.#part === "payload") this.#open();
  }

  end(): void {
    if (this.#output === undefined) throw refusedList(BLANK);
    this.#isReady = true;
    this.#files.isWhole = true;
    this.#write(this.#writer.end());
    this.#write(null);
  }

  // The payload is whole: from here on bytes may leave.
  #open(): void {
    const { isAdmin } = this.#options;
    const payload = rebuildBatchPayload(Buffer.concat(this.#payload.take()), { isAdmin });
    this.#rebuilt = payload;
    const start = this.#writer.partStart({ name: PAYLOAD, contentType: "application/json" });
    this.#queue = [start, payload, this.#writer.partEnd(), ...this.#held.take()];
    this.#output = new Readable({
      read: () => this.#flow(),
      destroy: (error, callback) => {
        this.#detach();
        callback(error);
      },
    });
  }

  // Called for the first time when somebody reads the output, because nothing was pushed before.
  #flow(): void {
    this.#isFlowing = true;
    if (this.#failure !== undefined) {
      this.#output?.destroy(this.#failure);
      return;
    }
    const queue = this.#queue;
    this.#queue = [];
    this.#options.stream.resume();
    for (const piece of queue) this.#write(piece);
  }

  #write(bytes: Uint8Array | null): void {
    if (this.#output !== undefined) {
      if (!this.#isFlowing) this.#queue.push(bytes);
      else if (!this.#output.destroyed && !this.#output.push(bytes)) this.#options.stream.pause();
      return;
    }
    const length = bytes?.length ?? 0;
    if (this.#heldBytesMax === 0) throw lateness();
    if (this.#held.length + length > this.#heldBytesMax) throw tooMuchHeld(this.#heldBytesMax);
    if (bytes !== null) this.#held.append(bytes);
  }

  get #heldBytesMax(): number {
    return this.#options.heldBytesMax ?? HELD_BYTES_MAX;
  }

  readonly #onData = (chunk: Buffer): void =>
    this.#guarded(() => {
      this.#parser?.push(chunk);
      this.#resolve();
    });

  readonly #onEnd = (): void =>
    this.#guarded(() => {
      this.#detach();
      this.#parser?.finish();
      this.#resolve();
    });

  #resolve(): void {
    if (this.#output === undefined || !this.#isReady || this.#isResolved) return;
    // Nothing more is taken in until somebody reads the output.
    this.#options.stream.pause();
    this.#isResolved = true;
    this.#settle.resolve({
      contentType: this.#writer.contentType,
      stream: this.#output,
      payload: this.#rebuilt,
      files: this.#files,
    });
  }

  readonly #onBreak = (): void => this.#fail(new Refusal("body_invalid"));

  readonly #onError = (error: unknown): void =>
    this.#fail(error instanceof Refusal ? error : new Refusal("body_invalid", { cause: error }));

  readonly #onAbort = (): void => this.#fail(this.#options.signal?.reason);

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#detach();
    const reason = this.#options.codec.reasonOf(error);
    const refusal = reason === undefined ? error : unreadableBatch(reason);
    if (!this.#isResolved) this.#settle.reject(refusal);
    else {
      this.#failure = refusal instanceof Error ? refusal : new Refusal("body_invalid", { cause: refusal });
      if (this.#isFlowing) this.#output?.destroy(this.#failure);
    }
  }

  #detach(): void {
    const { stream, signal } = this.#options;
    signal?.removeEventListener("abort", this.#onAbort);
    stream.off("data", this.#onData);
    stream.off("end", this.#onEnd);
    stream.off("close", this.#onBreak);
    stream.off("error", this.#onError);
    stream.pause();
  }
}

const lateness = (): Refusal => unreadableBatch(`The part ${PAYLOAD} must come before the first file.`);

const tooMuchHeld = (bytesMax: number): Refusal =>
  new Refusal("body_too_large", {
    data: {
      body: {
        code: "validation_invalid_body",
        message: `Files before ${PAYLOAD} may have ${bytesMax} bytes together; send ${PAYLOAD} first.`,
      },
    },
  });
