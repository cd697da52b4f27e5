// What tells a group of its topics. Tells no client.
import type { Subject } from "./subject.ts";

/** Knows topics and what is said of them, no clients. Whoever makes one takes what it tells. */
export interface Source {
  /** What is to be told of. */
  readonly topics: ReadonlySet<string>;
  /** Whether all of it is being told, as far as is known. */
  readonly isInForce: boolean;
  /** Takes a topic in; {@link ensure} follows. */
  add(topic: string): void;
  /**
   * Resolves when all topics are in force, as somebody of the group.
   *
   * @throws SubscribeRefused, or UpstreamError when that takes too long
   */
  ensure(subject: Pick<Subject, "credential" | "session">): Promise<void>;
  /** Takes a topic out, upstream some time soon. */
  drop(topic: string): void;
  close(): void;
}
