// Who is shut out by name: addresses and users, each until a time. Kept in a file, because what was acknowledged must
// outlive a crash; written whole at every change, which is rare.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { z } from "zod";
import { blockText } from "../utils/addressBlocks.ts";

/** One ban. */
export interface Ban {
  readonly kind: "address" | "user";
  /** An address (an IPv6 one stands for its /64), or `collection id/record id`. */
  readonly name: string;
  /** Unix milliseconds. */
  readonly untilMs: number;
  readonly reason: string;
}

/** Bans at a time. */
export const BANS_MAX = 10_000;

export interface BansOptions {
  /** Absolute path of the file. */
  readonly path: string;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

export class Bans {
  readonly #options: BansOptions;
  readonly #bans = new Map<string, Ban>();

  /** Reads the file. @throws Error when there is one that cannot be read: nobody is let in by a damaged file. */
  constructor(options: BansOptions) {
    this.#options = options;
    for (const ban of readBans(options.path)) this.#bans.set(keyOf(ban.kind, ban.name), ban);
  }

  /** Bans kept, ended ones that nobody asked for included. */
  get size(): number {
    return this.#bans.size;
  }

  /** The ban that shuts a caller out. */
  find(address: string, user: string | undefined): Ban | undefined {
    if (this.#bans.size === 0) return undefined;
    return (
      this.#live(keyOf("address", address)) ??
      (user === undefined ? undefined : this.#live(keyOf("user", user)))
    );
  }

  /** Bans in force, those that end first at first. */
  list(): Ban[] {
    const nowMs = this.#options.wallMs();
    return [...this.#bans.values()]
      .filter(({ untilMs }) => untilMs > nowMs)
      .sort((a, b) => a.untilMs - b.untilMs);
  }

  /** Bans, or changes a ban. On return it is on disk. @returns false when there are too many already. */
  add(ban: Ban): boolean {
    const key = keyOf(ban.kind, ban.name);
    this.#sweep();
    if (this.#bans.size >= BANS_MAX && !this.#bans.has(key)) return false;
    this.#bans.set(key, ban);
    this.#write();
    return true;
  }

  /** Lifts a ban. @returns whether there was one. */
  remove(kind: Ban["kind"], name: string): boolean {
    const isThere = this.#bans.delete(keyOf(kind, name));
    if (isThere) this.#write();
    return isThere;
  }

  #live(key: string): Ban | undefined {
    const ban = this.#bans.get(key);
    return ban !== undefined && ban.untilMs > this.#options.wallMs() ? ban : undefined;
  }

  #sweep(): void {
    const nowMs = this.#options.wallMs();
    for (const [key, { untilMs }] of this.#bans) if (untilMs <= nowMs) this.#bans.delete(key);
  }

  #write(): void {
    const { path } = this.#options;
    const file = openSync(`${path}.new`, "w", 0o600);
    try {
      writeSync(file, JSON.stringify([...this.#bans.values()]));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
  }
}

const keyOf = (kind: Ban["kind"], name: string): string =>
  kind === "address" ? `address ${blockText(name)}` : `user ${name}`;

const bansShape = z.array(
  z.strictObject({
    kind: z.enum(["address", "user"]),
    name: z.string().max(512),
    untilMs: z.number(),
    reason: z.string().max(1024),
  }),
);

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const readBans = (path: string): Ban[] => {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return [];
    throw error;
  }
  const read = bansShape.safeParse(parseJson(text));
  if (!read.success) throw new Error(`${path} is damaged; repair or delete it.`);
  return read.data.slice(0, BANS_MAX);
};
