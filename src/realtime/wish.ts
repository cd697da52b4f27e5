// What a client asks to be subscribed on, and whether it is his to ask. Subscribes nothing.
import type { SinceOf } from "./recovery.ts";
import { maySucceed, type Subject } from "./subject.ts";
import type { Subscriber } from "./subscriber.ts";

/**
 * What became of a subscription: PocketBase's words for `unknown` (404), `elsewhere` (400, another address) and
 * `foreign` (403, another caller); `crowded` when topics take too much room, `full` when no upstream stream is left.
 */
export type Subscribed = "done" | "unknown" | "elsewhere" | "foreign" | "crowded" | "full";

export interface Wish {
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly subject: Subject;
  /** The client address it comes from. */
  readonly address: string;
  /** Where the client left off; undefined when it does not say. */
  readonly sinceOf?: SinceOf | undefined;
}

/**
 * What speaks against a wish; undefined when nothing does. In PocketBase's order, but that a signed-in caller may have
 * moved to another address.
 */
export const judgeWish = ({ subject: before, address }: Subscriber, wish: Wish): Subscribed | undefined => {
  const isOwner = before?.session !== undefined && before.key === wish.subject.key;
  if (!isOwner && address !== wish.address) return "elsewhere";
  return maySucceed(before, wish.subject) ? undefined : "foreign";
};
