// Names requests: unique over restarts and processes, and short. Secret they are not.

const BASE = 36;
/** Every end of an id, two digits. */
const ENDS = Array.from({ length: BASE * BASE }, (_, i) => i.toString(BASE).padStart(2, "0"));

/** Makes the maker of ids: 12 random hexadecimal digits, then a counter in base 36 of at least three. */
export const createRequestIds = (): (() => string) => {
  const prefix = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  let rounds = 0;
  let next = 0;
  let start = `${prefix}${rounds.toString(BASE)}`;
  return () => {
    if (next === ENDS.length) {
      next = 0;
      start = `${prefix}${(++rounds).toString(BASE)}`;
    }
    return start + ENDS[next++];
  };
};
