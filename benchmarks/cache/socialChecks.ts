// Holds an answer of the social workload to what was acknowledged before it was asked for, and to its reader.
import type { Acknowledged } from "./acknowledged.ts";
import type { ReadKind, Step } from "./socialPlan.ts";
import { POSTS, personId, postId } from "./socialWorld.ts";

interface Item {
  readonly id: string;
  readonly n?: number;
  readonly rev?: number;
  readonly person?: string;
}

/** A list, or one record. */
export interface ListAnswer extends Item {
  readonly items: readonly Item[];
  readonly totalItems: number;
}

/** A read that was answered. */
export interface Answered {
  readonly step: Step;
  readonly kind: ReadKind;
  readonly answer: ListAnswer;
  /** When it was asked for. */
  readonly atMs: number;
}

/** What is wrong with the answer; undefined for a right one. */
export const checkRead = (
  { step, kind, answer, atMs }: Answered,
  acknowledged: Acknowledged,
): string | undefined => {
  const known = (name: string): number => acknowledged.before(atMs, name, 0);
  const atLeast = (what: string, is: number | undefined, least: number): string | undefined =>
    (is ?? -1) >= least ? undefined : `${what} is ${is}, but ${least} was acknowledged`;
  const revisions = (items: readonly Item[]): string | undefined =>
    items
      .map(({ id, rev }) => atLeast(`rev of ${id}`, rev, known(`post ${id}`)))
      .find((one) => one !== undefined);
  switch (kind) {
    case "feed":
      return atLeast("total", answer.totalItems, POSTS + known("posts")) ?? revisions(answer.items);
    case "post":
      return answer.id === postId(step.post) ? revisions([answer]) : `it is ${answer.id}`;
    case "comments":
    case "likes":
      return atLeast("total", answer.totalItems, known(`${kind} ${step.post}`));
    case "profile":
      return undefined;
    case "own notices": {
      const foreign = answer.items.find(({ person }) => person !== personId(step.person));
      if (foreign !== undefined) return `${foreign.id} is not theirs`;
      return atLeast("rev", answer.items[0]?.rev, known(`notice ${step.person}`));
    }
  }
};
