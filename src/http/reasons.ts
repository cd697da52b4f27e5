// Reason phrases as Node words them. PocketBase words a few differently (413, 416); clients must not read them.
import { STATUS_CODES } from "node:http";

/** Status to phrase. */
export const REASONS: Readonly<Record<number, string | undefined>> = STATUS_CODES;
