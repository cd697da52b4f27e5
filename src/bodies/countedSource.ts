// A body source whose bytes are charged to a budget for as long as somebody holds them in memory.
import { Refusal } from "../errors.ts";
import type { BodySource } from "../http/answer.ts";
import type { BodyBudget } from "./bodyBudget.ts";

/** A source that charges what flows through it until {@link release} gives everything back. */
export interface CountedSource extends BodySource {
  /** What has come through. */
  readonly bytes: number;
  /** Gives back what was charged and charges nothing more. May be called more than once. */
  release(): void;
}

/** Wraps `source`. When the budget is used up the body fails with a Refusal `overloaded`. */
export const createCountedSource = (
  source: BodySource,
  budget: BodyBudget,
  client: string,
): CountedSource => {
  let heldBytes = 0;
  let bytes = 0;
  let isReleased = false;
  return {
    get bytes() {
      return bytes;
    },
    resume: () => source.resume(),
    cancel: () => source.cancel(),
    release: () => {
      if (heldBytes > 0) budget.give(client, heldBytes);
      heldBytes = 0;
      isReleased = true;
    },
    start: (sink) => {
      let isRefused = false;
      source.start({
        data: (chunk) => {
          if (isRefused) return true;
          bytes += chunk.length;
          if (isReleased) return sink.data(chunk);
          if (!budget.tryTake(client, chunk.length)) {
            isRefused = true;
            source.cancel();
            sink.fail(new Refusal("overloaded", { retryAfterSeconds: 1 }));
            return true;
          }
          heldBytes += chunk.length;
          return sink.data(chunk);
        },
        end: () => {
          if (!isRefused) sink.end();
        },
        fail: (error) => {
          if (!isRefused) sink.fail(error);
        },
      });
    },
  };
};
