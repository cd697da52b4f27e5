// All groups: who belongs to which, how many upstream streams and how much history they may have together, and which
// streams are proven next. Knows no clients by name.
import { Departed, type Left } from "./departed.ts";
import { Group, type GroupOptions } from "./group.ts";
import { type HistoryBounds, HistoryStore } from "./history.ts";
import type { LinkTimes } from "./linkTimes.ts";
import { isVouchedFor, type StreamOwner, type Subject } from "./subject.ts";

/** How many streams are asked for a sign of life at a time. */
const PROOFS_AT_ONCE = 32;

export interface GroupsOptions extends Pick<GroupOptions, "open" | "credentialOf" | "fed" | "turns"> {
  /** Upstream streams at a time, those of `others` included. */
  readonly upstreamsMax: number;
  /** Upstream streams in use that are not of groups. */
  readonly others: () => number;
  readonly times: LinkTimes;
  readonly history: HistoryBounds;
}

export class Groups {
  readonly #options: GroupsOptions;
  readonly #groups = new Map<string, Group>();
  readonly #histories: HistoryStore;
  readonly #departed: Departed;
  #provenMs = performance.now();

  constructor(options: GroupsOptions) {
    this.#options = options;
    this.#histories = new HistoryStore(options.history);
    this.#departed = new Departed({
      stayMs: options.history.ageMsMax,
      release: (left) => this.release(left),
    });
  }

  /** Upstream streams of all groups now. */
  get upstreams(): number {
    let count = 0;
    for (const { links } of this.#groups.values()) count += links.length;
    return count;
  }

  /** The group of a subject, made when there is none; {@link tidy} takes it away again. */
  of(subject: Subject): Group {
    const { key } = subject;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const { open, times, turns, credentialOf, fed } = this.#options;
    const group = new Group(subject, {
      open,
      fed,
      times,
      turns,
      histories: this.#histories,
      credentialOf,
      hasRoom: (links) => this.hasRoom(links),
    });
    this.#groups.set(key, group);
    return group;
  }

  /** Gives back topics that a group holds for somebody, and the group when nobody is left in it. */
  release({ group, topics }: Pick<Left, "group" | "topics">): void {
    group.release(topics);
    if (group.isUsed) return;
    group.close();
    if (this.#groups.get(group.key) === group) this.#groups.delete(group.key);
  }

  /** As {@link release}, of a client that may come back: what only it wanted stays for a while. */
  depart(left: Left): void {
    const { group, topics, subject } = left;
    const last = isVouchedFor(subject) && this.#options.history.ageMsMax > 0 ? group.lastOf(topics) : [];
    const isKept = this.#departed.add({ group, subject, topics: last });
    const kept = new Set(isKept ? last : []);
    this.release({ group, topics: topics.filter((topic) => !kept.has(topic)) });
  }

  /** Keeps nothing any more of what sessions left that are over. */
  endDeparted(isOver: (session: StreamOwner) => boolean): void {
    this.#departed.releaseOf(isOver);
  }

  /** What was told until now is told to nobody again: who may see what may have changed. */
  forget(): void {
    for (const group of this.#groups.values()) group.forget();
  }

  /** Whether so many more upstream streams may be opened; who is here comes before who may come back. */
  hasRoom(links: number): boolean {
    const { upstreamsMax, others } = this.#options;
    if (links === 0) return true;
    while (this.upstreams + others() + links > upstreamsMax)
      if (!this.#departed.releaseOldest()) return false;
    return true;
  }

  tick(nowMs: number): void {
    for (const group of this.#groups.values()) group.tick(nowMs);
    this.#options.fed?.tick();
    this.#histories.tick(nowMs);
    this.#departed.tick(nowMs);
    if (nowMs - this.#provenMs < this.#options.times.proveEveryMs) return;
    this.#provenMs = nowMs;
    this.#prove(nowMs);
  }

  close(): void {
    for (const group of this.#groups.values()) group.close();
    this.#groups.clear();
  }

  // All in one go: PocketBase writes its log when it has had nothing to log for 3 s, and each proof is a line.
  #prove(nowMs: number): void {
    const quiet = [...this.#groups.values()]
      .flatMap(({ links }) => links)
      .filter((link) => nowMs - link.aliveMs >= this.#options.times.quietMs)
      .sort((one, two) => one.aliveMs - two.aliveMs);
    for (const link of quiet.slice(0, PROOFS_AT_ONCE)) link.prove();
  }
}
