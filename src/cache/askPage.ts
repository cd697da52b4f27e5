// Asks for a page of a list, without its total when that is known or being counted: the answer is the same, byte for byte.
// Keeps no page.
import { type Answer, isStreamed } from "../http/answer.ts";
import { type GatherLimits, gatherAnswer } from "../http/gatherAnswer.ts";
import { withoutHeaders } from "../utils/headers.ts";
import { totalOf, withTotal } from "./pageTotal.ts";
import type { Counted, Totals } from "./totals.ts";
import type { Lease } from "./versions.ts";

/** Asks PocketBase; with `skipsTotal` for the page alone. */
export type Ask = (skipsTotal: boolean) => Promise<Answer>;

/** A page to ask for. */
export interface PageOrder {
  readonly totals: Totals;
  /** Names what is counted, and who may share the number. */
  readonly totalKey: string;
  /** On everything the page and its total depend on. */
  readonly lease: Lease;
  readonly ask: Ask;
  /** What was counted before will not do. */
  readonly isForced: boolean;
  readonly limits: GatherLimits;
}

/** Rejects as `ask` does. */
export const askPage = async (order: PageOrder): Promise<Answer> => {
  const counted = order.isForced ? undefined : order.totals.find(order.totalKey);
  // Without a pause before it: the next to look must find that this one counts.
  if (counted === undefined) return askWhole(order);
  return (await askShort(order, counted)) ?? askWhole(order);
};

/** Undefined when page and total may be of different moments. */
const askShort = async ({ lease, ask, limits }: PageOrder, counted: Counted): Promise<Answer | undefined> => {
  const [page, total] = await Promise.all([
    ask(true).then((answer) => gatherAnswer(answer, limits)),
    counted.total,
  ]);
  const { status, headers, body } = page;
  if (isStreamed(body)) {
    body.cancel();
    return undefined;
  }
  // Refused with or without a total.
  if (status !== 200 || body === null) return page;
  if (total === undefined || !lease.holds() || !counted.lease.holds()) return undefined;
  const whole = withTotal(body, total);
  return whole && { status, headers: withoutHeaders(headers, ["content-length"]), body: whole };
};

const askWhole = async ({ totals, totalKey, lease, ask, limits }: PageOrder): Promise<Answer> => {
  const end = totals.begin(totalKey, lease);
  let total: number | undefined;
  try {
    const answer = await gatherAnswer(await ask(false), limits);
    const { status, body } = answer;
    if (status === 200 && body !== null && !isStreamed(body)) total = totalOf(body);
    return answer;
  } finally {
    end(total);
  }
};
