// Hands the bytes of one uploaded file to a check of the operator's, while they flow, and waits for its word. Holds a
// bounded part of the file; knows nothing of forms or PocketBase.
import { Refusal } from "../errors.ts";

/** A file as its part announces it. */
export interface UploadedFile {
  /** Name of the form field, modifiers such as `+` included. */
  readonly field: string;
  /** As the client wrote it. */
  readonly name: string;
  /** What the client says it is; proves nothing. */
  readonly declaredType: string | undefined;
}

/** What `Files.Inspect` is told about a file besides its bytes. */
export interface InspectMeta extends UploadedFile {
  /** Name or id of the collection, as in the path. */
  readonly collection: string;
  /** Id of the record that is changed; undefined for a new one. */
  readonly record: string | undefined;
  /** Who uploads: collection id and record id; undefined for a guest. */
  readonly user: { readonly collection: string; readonly id: string } | undefined;
}

/**
 * A check of the operator's own. It reads as much of the stream as it likes; the file is refused when it returns
 * false or a sentence (shown to the client), and when it throws.
 */
export type Inspect = (
  stream: ReadableStream<Uint8Array>,
  meta: InspectMeta,
) => boolean | string | undefined | Promise<boolean | string | undefined>;

/** One file under check. */
export interface FileCheck {
  data(chunk: Uint8Array): void;
  end(): void;
  /** Gives up: the upload broke off. */
  drop(): void;
  /** More is waiting for the check than it should: nothing may be read on before it has taken some. */
  readonly isFull: boolean;
  /** undefined: good. Settles only after the check has spoken or its time is over. Never rejects. */
  readonly verdict: Promise<Refusal | undefined>;
}

/** Bytes that may wait for a check. */
const WAITING_BYTES_MAX = 1_048_576;
/** From the end of the file to the check's word. */
const VERDICT_MS = 60_000;

/** Starts a check. @param onRoom - Called when the check has taken something. */
export const startFileCheck = (inspect: Inspect, meta: InspectMeta, onRoom: () => void): FileCheck => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let isDone = false;
  let timer: Timer | undefined;
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given;
      },
      pull: onRoom,
      // It has seen enough: the rest is not kept for it.
      cancel: () => {
        controller = undefined;
        onRoom();
      },
    },
    { highWaterMark: WAITING_BYTES_MAX, size: (chunk) => chunk?.length ?? 0 },
  );
  const { promise: verdict, resolve } = Promise.withResolvers<Refusal | undefined>();
  const settle = (refusal: Refusal | undefined): void => {
    isDone = true;
    clearTimeout(timer);
    controller = undefined;
    resolve(refusal);
    onRoom();
  };
  void (async () => inspect(stream, meta))().then(
    (word) => settle(word === false || typeof word === "string" ? refused(meta, word) : undefined),
    (error: unknown) => settle(refused(meta, false, error)),
  );
  return {
    // A copy: the bytes are on their way to PocketBase as well.
    data: (chunk) => controller?.enqueue(new Uint8Array(chunk)),
    end: () => {
      controller?.close();
      controller = undefined;
      if (!isDone) timer = setTimeout(() => settle(refused(meta, false)), VERDICT_MS);
    },
    drop: () => {
      controller?.error(new Error("the upload broke off"));
      settle(undefined);
    },
    get isFull() {
      return controller !== undefined && (controller.desiredSize ?? 1) <= 0;
    },
    verdict,
  };
};

const refused = ({ field, name }: UploadedFile, word: string | false, cause?: unknown): Refusal => {
  const message = word === false ? `Failed to upload "${name.slice(0, 255)}".` : word.slice(0, 1000);
  const member = field.replace(/^\+|[+-]$/g, "");
  return new Refusal("file_refused", {
    data: { [member]: { code: "validation_file_refused", message } },
    ...(cause === undefined ? {} : { cause }),
  });
};
