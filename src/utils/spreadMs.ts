// A pause that is not the same for everybody. Waits for nothing itself.

/** Spreads a pause over plus or minus a quarter, so that many who wait do not ask in step. */
export const spreadMs = (fullMs: number, random: () => number): number => fullMs * (0.75 + random() / 2);
