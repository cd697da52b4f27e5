// Reads dates as PocketBase does, as far as that is certain.

const PLAIN = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z)?)?$/;

const OFFSET = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?[+-]\d\d:\d\d$/;
/** What no layout has: other characters, blanks around, digits alone, and times without seconds. */
const NO_DATE = /[^A-Za-z0-9:.,+\- ]|^ | $|^\d*$|^\d{4}-\d\d-\d\d[ T]\d\d?:\d\d$/;

/**
 * The time a value stands for in Unix ms, undefined when PocketBase takes it for none, or `"unsure"`.
 *
 * Certain are `2024-01-02`, `2024-01-02 03:04:05.678Z`, RFC 3339 and RFC 1123; that numbers, truths, lists, objects
 * and what {@link NO_DATE} finds are no dates; and that no month has a 32nd or a day a 25th hour.
 */
export const toDate = (value: unknown): number | "unsure" | undefined => {
  if (typeof value !== "string" || !/\d/.test(value) || NO_DATE.test(value)) return undefined;
  const parts = PLAIN.exec(value);
  if (parts === null) return otherDate(value);
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = ""] = parts;
  // A `T` without a zone, and years that JavaScript shifts into another century, are left alone.
  const isZoneless = value.includes("T") && parts[8] === undefined;
  if (isZoneless || Number(year) < 100) return "unsure";
  const numbers = [month, day, hour, minute, second].map(Number);
  const [months = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = numbers;
  const ms = Date.UTC(
    Number(year),
    months - 1,
    days,
    hours,
    minutes,
    seconds,
    Number(fraction.padEnd(3, "0").slice(0, 3)),
  );
  const date = new Date(ms);
  const isReal =
    date.getUTCMonth() === months - 1 &&
    date.getUTCDate() === days &&
    hours < 24 &&
    minutes < 60 &&
    seconds < 60;
  return isReal ? ms : undefined;
};

const otherDate = (text: string): number | "unsure" => {
  const ms = Date.parse(text);
  const isCertain = Number.isFinite(ms) && (OFFSET.test(text) || new Date(ms).toUTCString() === text);
  return isCertain && !text.startsWith("00") ? ms : "unsure";
};
