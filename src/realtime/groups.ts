// All groups: who belongs to which, how many upstream streams they may have together, and which of those are proven
// next. Knows no clients by name.
import { Group, type GroupOptions } from "./group.ts";
import type { LinkTimes } from "./linkTimes.ts";
import type { Subject } from "./subject.ts";
import { Turns } from "./turns.ts";

/** How many streams are asked for a sign of life at a time. */
const PROOFS_AT_ONCE = 32;

export interface GroupsOptions extends Pick<GroupOptions, "open" | "credentialOf"> {
  /** Upstream streams at a time, those of `others` included. */
  readonly upstreamsMax: number;
  /** Upstream streams in use that are not of groups. */
  readonly others: () => number;
  readonly times: LinkTimes;
}

export class Groups {
  readonly #options: GroupsOptions;
  readonly #turns = new Turns();
  readonly #groups = new Map<string, Group>();
  #provenMs = performance.now();

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  /** Upstream streams of all groups now. */
  get upstreams(): number {
    let count = 0;
    for (const { links } of this.#groups.values()) count += links.length;
    return count;
  }

  /** The group of a subject, made when there is none; {@link tidy} takes it away again. */
  of({ key }: Subject): Group {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const { open, times, credentialOf } = this.#options;
    const group = new Group(key, {
      open,
      times,
      turns: this.#turns,
      credentialOf,
    });
    this.#groups.set(key, group);
    return group;
  }

  /** Forgets a group that nobody is in or on the way into. */
  tidy(group: Group): void {
    if (group.members.size > 0 || group.links.length > 0) return;
    group.close();
    if (this.#groups.get(group.key) === group) this.#groups.delete(group.key);
  }

  /** Whether so many more upstream streams may be opened. */
  hasRoom(links: number): boolean {
    const { upstreamsMax, others } = this.#options;
    return links === 0 || this.upstreams + others() + links <= upstreamsMax;
  }

  tick(nowMs: number): void {
    for (const group of this.#groups.values()) group.tick(nowMs);
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
