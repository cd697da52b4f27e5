// A provider's code is redeemed once, whichever flow it comes in. Remembers nothing itself.
import { sha256 } from "./pkce.ts";

/** Longer than any provider's code lives. */
const KEPT_MS = 900_000;

/** Takes a one-time name and keeps it until a Unix time in ms; false when it was taken before. */
export type TakeOnce = (name: string, expMs: number) => Promise<boolean>;

/** Uses a code up; false when it was used before. @throws what `takeOnce` throws. */
export const useCode = (
  takeOnce: TakeOnce,
  { provider, code }: { readonly provider: string; readonly code: string },
): Promise<boolean> =>
  takeOnce(sha256(JSON.stringify(["hapta-code/1", provider, code])), Date.now() + KEPT_MS);
