// Reason phrases of RFC 9110, and of PocketBase where it names one.
import { STATUS_CODES } from "node:http";

/** Status to phrase. */
export const REASONS: Readonly<Record<number, string | undefined>> = STATUS_CODES;
