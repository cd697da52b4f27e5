// What a client that comes back has missed, and whether it may be told of it now. Tells nobody.
import type { Group } from "./group.ts";
import type { Message } from "./message.ts";
import { parseOffset, renderOffset } from "./offset.ts";
import { isVouchedFor, type Subject } from "./subject.ts";

/**
 * Whether what was told of a topic to this caller may still be told to it. Only asked when something was missed; never
 * rejects.
 */
export type MayReplay = (question: {
  readonly topic: string;
  readonly messages: readonly Message[];
  readonly subject: Subject;
  /** The client's. */
  readonly address: string;
}) => boolean | Promise<boolean>;

/** Where a client left off, for each topic that it has been on before. */
export type SinceOf = (topic: string) => string | undefined;

/** What a client learns when its topics are in force. */
export interface Joined {
  /** Of the last event before now; what it was not told of until here is in `recovered`. */
  readonly offset: string;
  /** By topic it said an offset of: whether everything since then follows. */
  readonly recovered: ReadonlyMap<string, boolean>;
}

/** A client that subscribes, and perhaps comes back. */
export interface Return {
  readonly group: Group;
  readonly topics: readonly string[];
  readonly subject: Subject;
  readonly address: string;
  /** Undefined when it does not say that it was here before. */
  readonly sinceOf?: SinceOf | undefined;
}

/** What it is told then. */
export interface Welcome {
  readonly joined: Joined;
  readonly messages: readonly Message[];
}

/** The topics whose missed events may be told. */
export const judgeReturn = async (
  { group, topics, subject, address, sinceOf }: Return,
  mayReplay: MayReplay,
): Promise<ReadonlySet<string>> => {
  const allowed = new Set<string>();
  if (sinceOf === undefined || !isVouchedFor(subject)) return allowed;
  const judged = topics.map(async (topic) => {
    const messages = missedOf(group, topic, sinceOf);
    if (messages === undefined) return;
    const isAllowed = messages.length === 0 || (await mayReplay({ topic, messages, subject, address }));
    if (isAllowed) allowed.add(topic);
  });
  await Promise.all(judged);
  return allowed;
};

/**
 * What a client is told at the moment it joins, in order.
 *
 * @param bytesMax - More than this is not told at all: it would only cut a slow client.
 */
export const planReplay = (
  { group, topics, sinceOf }: Pick<Return, "group" | "topics" | "sinceOf">,
  allowed: ReadonlySet<string>,
  bytesMax: number,
): Welcome => {
  const recovered = new Map<string, boolean>();
  const messages: Message[] = [];
  for (const topic of topics) {
    if (sinceOf?.(topic) === undefined) continue;
    const missed = allowed.has(topic) ? missedOf(group, topic, sinceOf) : undefined;
    recovered.set(topic, missed !== undefined);
    messages.push(...(missed ?? []));
  }
  const offset = renderOffset(group.offset);
  const chars = messages.reduce((sum, { data, topic }) => sum + data.length + topic.length, 0);
  if (chars > bytesMax) {
    const nothing = new Map([...recovered.keys()].map((topic) => [topic, false] as const));
    return { joined: { offset, recovered: nothing }, messages: [] };
  }
  messages.sort((one, two) => (one.offset?.number ?? 0) - (two.offset?.number ?? 0));
  return { joined: { offset, recovered }, messages };
};

const missedOf = (group: Group, topic: string, sinceOf: SinceOf | undefined): Message[] | undefined => {
  const since = parseOffset(sinceOf?.(topic) ?? "");
  return since === undefined ? undefined : group.missed(topic, since);
};
