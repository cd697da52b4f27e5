// A stream of server-sent events whose news is asked for again and again, until there is one that ends it. Another
// process may be the one that makes the news.
import type { BodySink, BodySource } from "../http/answer.ts";

/** One event. `status` events lead up to another one, which is the last. */
export type News =
  | { readonly event: "status"; readonly data: { readonly status: string } }
  | { readonly event: "login" | "mfa" | "failed"; readonly data: unknown };

const LOOK_EVERY_MS = 500;
/** A comment keeps proxies from closing a silent stream. */
const COMMENT_EVERY_MS = 15_000;

/** A body for an answer of the type `text/event-stream`. A reader that takes nothing is cut by the listener. */
export class NewsStream implements BodySource {
  readonly #next: () => Promise<News | undefined>;
  readonly #onOver: () => void;
  #timer: Timer | undefined;
  #isOver = false;
  #heardMs = performance.now();

  /** @param next - What is new; undefined while nothing is. @param onOver - Called once, however the stream ends. */
  constructor(next: () => Promise<News | undefined>, onOver: () => void) {
    this.#next = next;
    this.#onOver = onOver;
  }

  start(sink: BodySink): void {
    const look = async (): Promise<void> => {
      const news = await this.#next();
      if (this.#isOver) return;
      if (news !== undefined) this.#say(sink, `event: ${news.event}\ndata: ${JSON.stringify(news.data)}\n\n`);
      else if (performance.now() - this.#heardMs > COMMENT_EVERY_MS) this.#say(sink, ":\n\n");
      if (news === undefined || news.event === "status") this.#timer = setTimeout(run, LOOK_EVERY_MS);
      else {
        this.cancel();
        sink.end();
      }
    };
    const run = (): void => {
      look().catch((error) => {
        this.cancel();
        sink.fail(error);
      });
    };
    run();
  }

  /** Events are few and small: there is nothing to pause. */
  resume(): void {}

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#onOver();
  }

  #say(sink: BodySink, text: string): void {
    this.#heardMs = performance.now();
    sink.data(Buffer.from(text));
  }
}
