// A body source that says when its last byte has come through. Stops and changes nothing.
import type { BodySource } from "../http/answer.ts";

/** The same source; `onWhole` is called once all of it was passed on, never for a body that broke off. */
export const wholeBody = (source: BodySource, onWhole: () => void): BodySource => ({
  resume: () => source.resume(),
  cancel: () => source.cancel(),
  start: (sink) =>
    source.start({
      data: (chunk) => sink.data(chunk),
      end: () => {
        onWhole();
        sink.end();
      },
      fail: (error) => sink.fail(error),
    }),
});
