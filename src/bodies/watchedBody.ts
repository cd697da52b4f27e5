// A body in which a text is looked for as it flows, so that whoever waits for it hears before it goes on. Changes nothing.
import type { BodySource } from "../http/answer.ts";

/** Longer than any text that is looked for. */
const OVERLAP = 32;

interface Watch {
  /** Tested against latin1 text; may match what was sent in two pieces. */
  readonly mark: RegExp;
  /** Called once, before the piece that completes the text is passed on; what it throws breaks the body off. */
  readonly onFound: () => void;
}

/** The same source under watch. */
export const watchedBody = (source: BodySource, { mark, onFound }: Watch): BodySource => {
  let before = "";
  let isFound = false;
  let isOver = false;

  const look = (chunk: Uint8Array): Error | undefined => {
    const text = before + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    before = text.slice(-OVERLAP);
    if (!mark.test(text)) return undefined;
    isFound = true;
    try {
      onFound();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };

  return {
    resume: () => source.resume(),
    cancel: () => source.cancel(),
    start: (sink) =>
      source.start({
        data: (chunk) => {
          if (isOver) return false;
          const fault = isFound ? undefined : look(chunk);
          if (fault === undefined) return sink.data(chunk);
          isOver = true;
          source.cancel();
          sink.fail(fault);
          return false;
        },
        end: () => {
          if (!isOver) sink.end();
        },
        fail: (error) => {
          if (!isOver) sink.fail(error);
        },
      }),
  };
};
