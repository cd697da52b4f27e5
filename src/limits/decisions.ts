// What comes out of a decision, in the terms of whoever asked: headers, names, weights. Pure.
import { blockText } from "../utils/addressBlocks.ts";
import type { Caller, Charge } from "./buckets.ts";
import type { Verdict } from "./limiter.ts";
import type { Plan } from "./ruleSet.ts";

/** Names and values of `RateLimit-Policy` and `RateLimit`; undefined where nothing counts. */
export type LimitHeaders = readonly string[] | undefined;

/**
 * What became of a request. Allowed: with what is left, as field lines with their CRLF. Refused: by the rule `policy`, in
 * `waitMs` it would be allowed.
 */
export type Decision =
  | { readonly ok: true; readonly lines: string | undefined }
  | { readonly ok: false; readonly headers: LimitHeaders; readonly policy: string; readonly waitMs: number };

/** Nothing counts. */
export const PASSED: Decision = { ok: true, lines: undefined };

/** The name of a caller in lists: the user, or the address. */
export const nameOf = ({ user, address }: Caller): string =>
  user === undefined ? blockText(address) : `user ${user}`;

/** Whether a charge is the same whoever the caller turns out to be. */
export const isByPlace = ({ rule }: Charge): boolean =>
  !rule.rule.by.some((dimension) => dimension === "user" || dimension === "session" || dimension === "app");

/** The charges of a request of this weight. */
export const weigh = ({ charges, areForReads }: Plan, weight: number): readonly Charge[] =>
  areForReads && weight === 1
    ? charges
    : charges.map((charge) => {
        const { cost } = charge.rule.rule;
        return { ...charge, units: cost === "weight" ? weight : cost };
      });

/** A verdict with the headers that tell it (draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4). */
export const toDecision = (verdict: Verdict, { policies }: Plan): Decision => {
  if (!verdict.ok) {
    const state = `"${verdict.rule.name}";r=0;t=${Math.ceil(verdict.waitMs / 1000)}`;
    const headers = ["RateLimit-Policy", policies ?? "", "RateLimit", state];
    return { ok: false, headers, policy: verdict.rule.name, waitMs: verdict.waitMs };
  }
  const { rule, left, resetMs } = verdict;
  if (rule === undefined || policies === undefined) return PASSED;
  const state = `"${rule.name}";r=${left};t=${Math.ceil(resetMs / 1000)}`;
  return { ok: true, lines: `RateLimit-Policy: ${policies}\r\nRateLimit: ${state}\r\n` };
};
