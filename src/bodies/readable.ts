// Bridges between a BodySource and node's Readable, for parts that are written against streams.
import { Readable } from "node:stream";
import type { BodySource } from "../http/answer.ts";

/** A Readable that pulls from the source; destroying it cancels the source. */
export const toReadable = (source: BodySource): Readable => {
  let isStarted = false;
  const readable = new Readable({
    read: () => {
      if (isStarted) return source.resume();
      isStarted = true;
      source.start({
        data: (chunk) => readable.push(chunk),
        end: () => readable.push(null),
        fail: (error) => readable.destroy(error),
      });
    },
    destroy: (error, done) => {
      source.cancel();
      done(error);
    },
  });
  return readable;
};

/** A source fed by a Readable; cancelling it destroys the Readable. */
export const fromReadable = (readable: Readable): BodySource => ({
  start: (sink) => {
    readable.on("data", (chunk: Buffer) => {
      if (!sink.data(chunk)) readable.pause();
    });
    readable.once("end", () => sink.end());
    readable.once("error", (error) => sink.fail(error));
  },
  resume: () => readable.resume(),
  cancel: () => {
    readable.once("error", () => undefined);
    readable.destroy();
  },
});
