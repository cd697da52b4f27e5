// Finds out whether a stream still carries what PocketBase says: asks PocketBase for a message and waits for it. What
// follows from the verdict is its owner's affair.
import type { RealtimeStream } from "../pocketbase/realtimeStream.ts";

/** `unknown`: PocketBase did not say that it sent anything. */
export type Proof = "alive" | "silent" | "unknown";

/** One question; used once. */
export class StreamProof {
  readonly #code = crypto.randomUUID();
  readonly #heard = Promise.withResolvers<Proof>();

  /** Notes that the stream brought something, whatever it was. */
  hear(): void {
    this.#heard.resolve("alive");
  }

  /** Whether this is the message that was asked for; nobody else's business. */
  isOwn(data: string): boolean {
    return data.includes(this.#code);
  }

  /** Asks. The stream must be subscribed on `PROOF_TOPIC`. Never rejects. */
  async run(stream: RealtimeStream, deadlineMs: number): Promise<Proof> {
    let isSent = false;
    let timer: Timer | undefined;
    const late = new Promise<Proof>((resolve) => {
      timer = setTimeout(() => resolve(isSent ? "silent" : "unknown"), deadlineMs);
    });
    const asked = stream.provoke(this.#code).then(
      (hasSent): Proof | Promise<Proof> => {
        isSent = hasSent;
        return isSent ? late : "unknown";
      },
      (): Proof => "unknown",
    );
    const proof = await Promise.race([this.#heard.promise, asked, late]);
    clearTimeout(timer);
    return proof;
  }
}
