// A file that is kept as it passes: the client gets all of it, whatever becomes of the copy.
import { expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import type { BodySink, BodySource } from "../http/answer.ts";
import { TeeSource } from "./teeSource.ts";

const PIECE_BYTES = 262_144;
const PIECES = 40;

/** Sends its pieces one at a time, and waits when it is told to. */
class Pieces implements BodySource {
  left = PIECES;
  #sink: BodySink | undefined;

  start(sink: BodySink): void {
    this.#sink = sink;
    this.resume();
  }

  resume(): void {
    while (this.left > 0) {
      this.left -= 1;
      if (this.#sink?.data(Buffer.alloc(PIECE_BYTES)) === false) break;
    }
    if (this.left === 0) this.#sink?.end();
  }

  cancel(): void {
    this.left = 0;
  }
}

test("a disk that takes nothing more stops no download", async () => {
  const seen = { bytes: 0, hasEnded: false, drops: 0, failed: "", whole: 0 };
  let room = 2;
  const tee = new TeeSource(new Pieces(), {
    writer: {
      write: async () => {
        if (room-- === 0) throw new Error("no space left");
      },
      finish: async () => undefined,
      drop: async () => {
        seen.drops += 1;
      },
    },
    onWhole: () => {
      seen.whole += 1;
    },
    onFailed: (error) => {
      seen.failed = String(error);
    },
  });
  tee.start({
    data: (chunk) => {
      seen.bytes += chunk.length;
      return true;
    },
    end: () => {
      seen.hasEnded = true;
    },
    fail: () => undefined,
  });
  await eventually(() => seen.hasEnded && seen.drops > 0, 5_000);
  const bytes = PIECE_BYTES * PIECES;
  expect(seen).toEqual({ bytes, hasEnded: true, drops: 1, failed: "Error: no space left", whole: 0 });
});
