// A body whose length nobody knows in advance, charged by the megabyte as it flows. Stops nothing.
import type { BodySource } from "../http/answer.ts";

const MEGABYTE = 1_048_576;

/** The same source; `onMegabyte` is called for every full megabyte that has come through. */
export const meteredBody = (source: BodySource, onMegabyte: () => void): BodySource => {
  let bytes = 0;
  return {
    resume: () => source.resume(),
    cancel: () => source.cancel(),
    start: (sink) =>
      source.start({
        data: (chunk) => {
          const before = Math.floor(bytes / MEGABYTE);
          bytes += chunk.length;
          for (let full = Math.floor(bytes / MEGABYTE); full > before; full--) onMegabyte();
          return sink.data(chunk);
        },
        end: () => sink.end(),
        fail: (error) => sink.fail(error),
      }),
  };
};
