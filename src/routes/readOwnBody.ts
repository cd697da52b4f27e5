// The body of a call to one of Hapta's own routes, read whole within bounds. Parses nothing.
import { readBody } from "../bodies/readBody.ts";
import { Refusal } from "../errors.ts";
import type { RequestBody } from "../http/answer.ts";

const BODY_TIMEOUT_MS = 10_000;

/** @throws Refusal `body_too_large`, `body_too_slow` or `body_invalid`. */
export const readOwnBody = async (body: RequestBody, bytesMax: number): Promise<Uint8Array | undefined> => {
  if (body.kind === "none") return undefined;
  if (body.kind === "bytes") return body.bytes;
  if ((body.length ?? 0) > bytesMax) throw new Refusal("body_too_large");
  return await readBody(body.source, { bytesMax, timeoutMs: BODY_TIMEOUT_MS });
};
