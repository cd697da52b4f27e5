// The upstream streams of one group: as many as its topics need. Tells nobody.
import { Link, type LinkOptions } from "./link.ts";
import type { Source } from "./source.ts";

/** PocketBase takes 1000 for one stream, and one is for proofs; the rest go to further streams. */
const TOPICS_PER_LINK = 999;

export interface LinksOptions extends Omit<LinkOptions, "address" | "onGap"> {
  /** What this source tells may have been missed. */
  readonly onGap: (source: Source) => void;
}

export class Links {
  readonly #options: LinksOptions;
  #links: Link[] = [];

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** All there are now. */
  get all(): readonly Link[] {
    return this.#links;
  }

  /** How many more are needed for so many more topics. */
  neededFor(topics: number): number {
    let added = topics;
    for (const link of this.#links) added -= TOPICS_PER_LINK - link.topics.size;
    return Math.max(0, Math.ceil(added / TOPICS_PER_LINK));
  }

  /**
   * Finds a topic a stream; {@link leave} takes it out again.
   *
   * @param address - The client's who wants it: what PocketBase is told when a stream is opened for it.
   */
  enter(topic: string, address: string): Link {
    let link = this.#links.find(({ topics }) => topics.size < TOPICS_PER_LINK);
    if (link === undefined) {
      link = this.#create(address);
      this.#links.push(link);
    }
    link.add(topic);
    return link;
  }

  /** Takes a topic out, and closes the stream when it was the last. */
  leave(topic: string, source: Source): void {
    source.drop(topic);
    if (source.topics.size > 0) return;
    source.close();
    this.#links = this.#links.filter((link) => link !== source);
  }

  renew(): void {
    for (const link of this.#links) link.renew();
  }

  tick(nowMs: number): void {
    for (const link of this.#links) link.tick(nowMs);
  }

  close(): void {
    for (const link of this.#links) link.close();
    this.#links = [];
  }

  #create(address: string): Link {
    const link: Link = new Link({ ...this.#options, address, onGap: () => this.#options.onGap(link) });
    return link;
  }
}
