// A body source whose end waits for a word on all that came before it. Holds no bytes.
import type { BodySource } from "../http/answer.ts";

/** The same source; its end is told once `check` has resolved, and never when it rejects: the source fails with that. */
export const checkedEnd = (source: BodySource, check: () => Promise<undefined>): BodySource => {
  let isGivenUp = false;
  return {
    resume: () => source.resume(),
    cancel: () => {
      isGivenUp = true;
      source.cancel();
    },
    start: (sink) =>
      source.start({
        data: (chunk) => sink.data(chunk),
        end: () => {
          check().then(
            () => isGivenUp || sink.end(),
            (error: Error) => isGivenUp || sink.fail(error),
          );
        },
        fail: (error) => sink.fail(error),
      }),
  };
};
