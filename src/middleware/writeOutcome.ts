// What the status of a write's answer says about the write. Looks at nothing else.
import type { WriteOutcome } from "../cache/underway.ts";

/** What became of a write: 4xx is PocketBase's word that nothing was written; without an answer nobody knows. */
export const outcomeOf = (status: number | "unsent" | undefined): WriteOutcome =>
  status === "unsent" || (status !== undefined && status >= 400 && status < 500) ? "refused" : "done";
