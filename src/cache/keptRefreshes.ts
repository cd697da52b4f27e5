// What PocketBase answered to refreshes of logins, but for the token: the record as it sees itself. Kept by record, for as
// long as nothing has moved under it. Holds no token, and judges no session.
import { mayHoldTokens } from "../utils/upstreamTokens.ts";
import { keptFields } from "./entry.ts";
import type { Lease } from "./versions.ts";

/** An answer without its token. */
interface Refreshed {
  /** Flat list, without Date and Content-Length. */
  readonly headers: readonly string[];
  /** The text before and behind the token. */
  readonly before: string;
  readonly behind: string;
}

/** An answer that is kept. */
export interface KeptRefresh extends Refreshed {
  readonly lease: Lease;
  /** Monotonic ms of the lease: what PocketBase said later was said of the same state. */
  readonly sinceMs: number;
  /** PocketBase has said the same twice: no code there makes each answer another one. */
  readonly isSteady: boolean;
}

/** An answer as it came, and what it was asked under. */
export interface RefreshAnswer {
  readonly headers: readonly string[];
  readonly text: string;
  readonly token: string;
  readonly lease: Lease;
  /** Monotonic ms at which the lease was taken, before PocketBase was asked. */
  readonly sinceMs: number;
}

/** In all, and for one record; those refreshed longest ago go first. */
const BYTES_MAX = 64 * 2 ** 20;
const ENTRY_BYTES_MAX = 64 * 2 ** 10;
/** What an entry costs beside its texts. */
const OVERHEAD_BYTES = 800;

/** Answers to refreshes by record and page. */
export class KeptRefreshes {
  readonly #bytesMax: number;
  readonly #kept = new Map<string, KeptRefresh>();
  #bytes = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** What these take in memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What PocketBase has said twice and would say again; undefined when that is not known. */
  find(key: string): KeptRefresh | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    if (!kept.lease.holds()) this.#delete(key);
    return kept.isSteady && kept.lease.holds() ? kept : undefined;
  }

  /** Takes in what PocketBase has just said; an answer that is for one time only, or for one client, is not kept. */
  learn(key: string, { headers, text, token, lease, sinceMs }: RefreshAnswer): void {
    const known = this.#kept.get(key);
    this.#delete(key);
    const fresh = lease.holds() ? refreshedOf(headers, text, token) : undefined;
    if (fresh === undefined) return;
    // The older lease says as much, and about more of the record's sessions.
    const isSame = known?.lease.holds() === true && isEqual(known, fresh);
    const kept = isSame ? { ...known, isSteady: true } : { ...fresh, lease, sinceMs, isSteady: false };
    if (costOf(key, kept) > ENTRY_BYTES_MAX) return;
    this.#kept.set(key, kept);
    this.#bytes += costOf(key, kept);
    for (const [oldest] of this.#kept) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#delete(oldest);
    }
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #delete(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= costOf(key, kept);
  }
}

const refreshedOf = (headers: readonly string[], text: string, token: string): Refreshed | undefined => {
  const fields = keptFields(headers);
  const [before, behind, more] = text.split(`"${token}"`);
  if (fields === undefined || before === undefined || behind === undefined || more !== undefined)
    return undefined;
  if (mayHoldTokens(Buffer.from(before)) || mayHoldTokens(Buffer.from(behind))) return undefined;
  return { headers: fields, before, behind };
};

const isEqual = (one: Refreshed, other: Refreshed): boolean =>
  one.before === other.before &&
  one.behind === other.behind &&
  one.headers.length === other.headers.length &&
  one.headers.every((text, at) => text === other.headers[at]);

// Texts may take two bytes a character.
const costOf = (key: string, { headers, before, behind }: Refreshed): number => {
  let chars = key.length + before.length + behind.length;
  for (const text of headers) chars += text.length;
  return OVERHEAD_BYTES + 2 * chars;
};
