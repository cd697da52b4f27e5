// Those who wait for their topics to be in force, each with a deadline. Subscribes nothing.
import type { UpstreamError } from "../pocketbase/wire/upstreamError.ts";

/** Somebody who waits, and as whom to subscribe for it. */
export interface Waiter {
  readonly credential: string | undefined;
  readonly untilMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** First come, first served. */
export class Waiters {
  #waiting: Waiter[] = [];

  /** Resolves or rejects when somebody who took it says so. */
  wait(credential: string | undefined, waitMsMax: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ credential, untilMs: performance.now() + waitMsMax, resolve, reject });
    });
  }

  /** All of them, to be settled or put back. */
  take(): Waiter[] {
    return this.#waiting.splice(0);
  }

  /** Before those who came meanwhile. */
  putBack(waiters: readonly Waiter[]): void {
    this.#waiting.unshift(...waiters);
  }

  rejectLate(error: Error): void {
    const nowMs = performance.now();
    const late = this.#waiting.filter(({ untilMs }) => untilMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > nowMs);
    for (const { reject } of late) reject(error);
  }

  rejectAll(error: UpstreamError): void {
    for (const { reject } of this.take()) reject(error);
  }
}
