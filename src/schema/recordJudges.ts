// What judges of records are asked and what they say; `Request` is whatever a record came in. Judges nothing.
import type { FieldErrors } from "./fieldError.ts";

/** A record to be. */
export interface NewRecord<Request> {
  readonly exchange: Request;
  /** The collection, as the path spells it. */
  readonly segment: string;
  readonly members: Readonly<Record<string, unknown>>;
}

/** A record that is to become another. */
export interface RecordChange<Request> extends NewRecord<Request> {
  /** As the path spells it. */
  readonly recordId: string;
}

/** Errors by field, none when a rule denies it; or whether PocketBase surely takes it. */
export type Judged = FieldErrors | "fine" | "unsure";

/** Both kinds of judges. */
export interface RecordJudges<Request> {
  /** Never rejects. */
  judgeCreate(record: NewRecord<Request>): Promise<Judged>;
  /** Undefined for what is fine, or PocketBase's to judge. Waits for what is wrong only. */
  judgeChange(change: RecordChange<Request>): undefined | Promise<FieldErrors | undefined>;
}
