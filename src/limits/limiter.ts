// Decides whether a request may go on: every bucket it falls into is looked at, then all are charged or none is.
// Refuses nobody itself and knows no HTTP.
import { type Bucket, Buckets, type Caller, type Charge, type CompiledRule } from "./buckets.ts";
import { nextTat, TICKS_PER_MS, toTicks, waitTicks } from "./gcra.ts";
import { LimitTable, type SavedEntry } from "./limitTable.ts";
import type { Rule } from "./rules.ts";

/** Allowed: `left` whole units of the tightest rule, all of it back in `resetMs`. No rule: nothing counts. */
export interface Left {
  readonly ok: true;
  readonly rule: Rule | undefined;
  readonly left: number;
  readonly resetMs: number;
}

/** What came out. Refused: by which rule, and in how many ms it would be allowed. */
export type Verdict = Left | { readonly ok: false; readonly rule: Rule; readonly waitMs: number };

export interface LimiterOptions {
  readonly keysMax: number;
  /** Two random 32-bit numbers. */
  readonly hashKey: readonly [number, number];
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Told when a shadow rule would have refused. */
  readonly onShadow?: (rule: Rule) => void;
}

const ALLOWED: Left = { ok: true, rule: undefined, left: 0, resetMs: 0 };

/** How a request is judged. */
export interface Manner {
  /** Of the auth class: after a crash half of its budget counts as spent. */
  readonly isAuth: boolean;
  /** A batch: its charges may fall into the same bucket, and what can never fit is refused. */
  readonly isBatch: boolean;
}

const PLAIN: Manner = { isAuth: false, isBatch: false };

export class Limiter {
  readonly table: LimitTable;
  readonly #options: LimiterOptions;
  readonly #buckets: Buckets;
  #lastMs: number;
  #logicalMs = 0;
  #floorTicks = Number.NEGATIVE_INFINITY;

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#lastMs = options.nowMs();
    this.table = new LimitTable(options.keysMax);
    this.#buckets = new Buckets(options.hashKey);
  }

  /** Makes a rule ready. */
  compile(rule: Rule): CompiledRule {
    return this.#buckets.compile(rule);
  }

  /** Looks at every bucket, then charges all of them, or none when one refuses. */
  decide(caller: Caller, charges: readonly Charge[], manner: Manner = PLAIN): Verdict {
    const now = this.now();
    this.#buckets.collect(caller, charges, manner.isBatch);
    const refused = this.#judge(now, manner);
    if (refused !== undefined) return refused;
    return this.#buckets.count === 0 ? ALLOWED : this.#charge(now);
  }

  /** What {@link decide} would say right now; charges nothing. */
  peek(caller: Caller, charges: readonly Charge[]): Verdict {
    this.#buckets.collect(caller, charges, false);
    return this.#judge(this.now(), PLAIN) ?? ALLOWED;
  }

  /** Charges what a request turned out to cost; refuses nothing, and never reaches further than twice the budget. */
  chargeLater(caller: Caller, charges: readonly Charge[]): void {
    const now = this.now();
    this.#buckets.collect(caller, charges, false);
    this.#buckets.each((bucket) => {
      bucket.slot = this.table.locate(bucket.lo, bucket.hi, now);
      const before = this.table.tat(bucket.slot, bucket.lo);
      const tat = nextTat(before, now, bucket.units * bucket.rate.unitTicks);
      this.table.put(bucket, Math.max(before, Math.min(tat, now + 2 * bucket.rate.limitTicks)), now);
    });
  }

  /** Takes a charge back. */
  refund(caller: Caller, charges: readonly Charge[]): void {
    const now = this.now();
    this.#buckets.collect(caller, charges, false);
    this.#buckets.each((bucket) => {
      bucket.slot = this.table.locate(bucket.lo, bucket.hi, now);
      const before = this.table.tat(bucket.slot, bucket.lo);
      // What has drained since is not given twice.
      if (before > now) this.table.put(bucket, before - bucket.units * bucket.rate.unitTicks, now);
    });
  }

  /** What a caller has left under each rule and block; for people. */
  inspect(caller: Caller, charges: readonly Charge[]): Left[] {
    const now = this.now();
    const found: Left[] = [];
    this.#buckets.collect(caller, charges, false);
    this.#buckets.each((bucket) => {
      bucket.slot = this.table.locate(bucket.lo, bucket.hi, now);
      bucket.tat = this.table.tat(bucket.slot, bucket.lo);
      found.push(leftOf(bucket, now));
    });
    return found;
  }

  /** Gives a caller the whole budget of each rule back. */
  reset(caller: Caller, charges: readonly Charge[]): void {
    const now = this.now();
    this.#buckets.collect(caller, charges, false);
    this.#buckets.each(({ lo, hi }) => this.table.clear(lo, hi, now));
  }

  /** Every bucket that still limits, its time in ticks from now. */
  save(): SavedEntry[] {
    const now = this.now();
    return [...this.table.live(now)].map((entry) => ({ ...entry, tat: entry.tat - now }));
  }

  /** Takes {@link save} back. @param passedMs - Since then. */
  restore(entries: readonly SavedEntry[], passedMs: number): void {
    const now = this.now();
    const passed = toTicks(passedMs);
    for (const entry of entries)
      if (entry.tat > passed) this.table.restore({ ...entry, tat: now + entry.tat - passed });
  }

  /** From now on half of every budget counts as spent for the auth class, until that has drained. */
  startAtHalf(): void {
    this.#floorTicks = this.now();
  }

  /** Ticks that only grow: a clock that is set back stands still for that moment and goes on from there. */
  now(): number {
    const ms = this.#options.nowMs();
    if (ms > this.#lastMs) this.#logicalMs += ms - this.#lastMs;
    this.#lastMs = ms;
    return toTicks(this.#logicalMs);
  }

  // Undefined: all of them allow it, and their next times are ready.
  #judge(now: number, { isAuth, isBatch }: Manner): Verdict | undefined {
    let refused: Bucket | undefined;
    let longest = 0;
    for (let i = 0; i < this.#buckets.count; i++) {
      const bucket = this.#buckets.at(i);
      if (bucket === undefined) break;
      const { rate } = bucket;
      bucket.slot = this.table.locate(bucket.lo, bucket.hi, now);
      let tat = this.table.tat(bucket.slot, bucket.lo);
      if (isAuth) tat = Math.max(tat, this.#floorTicks + rate.limitTicks / 2);
      const cost = Math.ceil(bucket.units * rate.unitTicks);
      // A single request that weighs more than the whole budget takes the whole budget.
      bucket.tat = nextTat(tat, now, isBatch ? cost : Math.min(cost, rate.limitTicks));
      const wait = waitTicks(bucket.tat, now, rate.limitTicks);
      if (wait <= 0) continue;
      if (bucket.rule.isShadow) {
        this.#options.onShadow?.(bucket.rule);
        bucket.tat = tat;
      } else if (wait > longest) {
        longest = wait;
        refused = bucket;
      }
    }
    return refused === undefined
      ? undefined
      : { ok: false, rule: refused.rule, waitMs: longest / TICKS_PER_MS };
  }

  #charge(now: number): Verdict {
    let tightest: Bucket | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#buckets.count; i++) {
      const bucket = this.#buckets.at(i);
      if (bucket === undefined) break;
      this.table.put(bucket, bucket.tat, now);
      if (!bucket.isMain) continue;
      const share = 1 - (bucket.tat - now) / bucket.rate.limitTicks;
      if (share < least) {
        least = share;
        tightest = bucket;
      }
    }
    return tightest === undefined ? ALLOWED : leftOf(tightest, now);
  }
}

const leftOf = ({ rule, rate, tat }: Bucket, now: number): Left => {
  const ahead = Math.max(0, tat - now);
  return {
    ok: true,
    rule,
    left: Math.max(0, Math.floor((rate.limitTicks - ahead) / rate.unitTicks)),
    resetMs: ahead / TICKS_PER_MS,
  };
};
