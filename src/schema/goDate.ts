// Reads dates as PocketBase does, as far as that is certain.

/** A day, perhaps with a time, a fraction of a second and a zone. */
const PLAIN =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z| ?([+-])([01]\d|2[0-3]):?([0-5]\d))?)?$/;
/** What every layout of such times begins with: numbers out of their range are no date, whatever follows. */
const CLOCKED = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d/;
const DAY = /^(\d\d) ([A-Za-z]{3}) (\d{4})$/;
const CLOCK = /^(\d{1,2}):(\d\d)([AP])M$/;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** How every layout that PocketBase knows begins, and that only the first three do without seconds. */
const LAYOUTS =
  /^(?:\d{4}-\d\d-\d\d$|\d\d [A-Za-z]{3} \d\d|\d{1,2}:\d\d[AP]M$|(?:\d{4}-\d\d-\d\d[ T]|[A-Za-z]{3}).*\d{1,2}:\d\d:\d\d)/;

/** Go's time zero, which stands for no time at all. */
const ZERO_DAY = "0001-01-01";
const ZERO_MS = Date.parse(`${ZERO_DAY}T00:00:00.000Z`);

/**
 * The time a value stands for in Unix ms, undefined when PocketBase takes it for none, or `"unsure"`.
 *
 * Certain are `2024-01-02`, `2024-01-02 03:04:05.678Z`, with other zones or none, RFC 3339, RFC 1123, `02 Jan 2024` and
 * `3:04PM`; that numbers, truths, lists, objects and what begins like no {@link LAYOUTS} are no dates; and that no month has
 * a 32nd or a day a 25th hour.
 */
export const toDate = (value: unknown): number | "unsure" | undefined => {
  if (typeof value !== "string" || !LAYOUTS.test(value)) return undefined;
  const plain = PLAIN.exec(value);
  if (plain !== null) return plainDate(plain, value);
  const [clocked] = CLOCKED.exec(value) ?? [];
  if (clocked !== undefined) return isInRange(clocked) ? "unsure" : undefined;
  const [, day, month = "", year] = DAY.exec(value) ?? [];
  if (day !== undefined)
    return timeOf([Number(year), MONTHS.indexOf(month.toLowerCase()), Number(day)], [0, 0, 0, 0]);
  const [, hour, minute, half] = CLOCK.exec(value) ?? [];
  if (hour !== undefined) return clockTime(Number(hour), Number(minute), half === "P");
  return otherDate(value);
};

const isInRange = (clocked: string): boolean => toDate(clocked) !== undefined || clocked.startsWith(ZERO_DAY);

const plainDate = (parts: RegExpExecArray, text: string): number | undefined => {
  // A zone behind a blank goes with a time behind a blank.
  if (text.charAt(10) === "T" && text.includes(" ")) return undefined;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts
    .slice(1, 7)
    .map((one) => Number(one ?? 0));
  const ms = Number((parts[7] ?? "").padEnd(3, "0").slice(0, 3));
  const zoneMs = (Number(parts[9] ?? 0) * 60 + Number(parts[10] ?? 0)) * 60_000;
  return timeOf([year, month - 1, day], [hours, minutes, seconds, ms], parts[8] === "-" ? -zoneMs : zoneMs);
};

// Twelve o'clock is the first hour of its half; a time alone is of the year 0.
const clockTime = (hour: number, minute: number, isLate: boolean): number | "unsure" | undefined =>
  hour < 1 || hour > 12 ? "unsure" : timeOf([0, 0, 1], [(hour % 12) + (isLate ? 12 : 0), minute, 0, 0]);

type Day = readonly [year: number, month: number, day: number];
type Time = readonly [hours: number, minutes: number, seconds: number, ms: number];

const timeOf = (
  [year, month, day]: Day,
  [hours, minutes, seconds, ms]: Time,
  zoneMs = 0,
): number | undefined => {
  if (month < 0 || hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  date.setUTCHours(hours, minutes, seconds, ms);
  const isReal = date.getUTCMonth() === month && date.getUTCDate() === day;
  const time = date.getTime() - zoneMs;
  return isReal && time !== ZERO_MS ? time : undefined;
};

const otherDate = (text: string): number | "unsure" => {
  const ms = Date.parse(text);
  return Number.isFinite(ms) && new Date(ms).toUTCString() === text ? ms : "unsure";
};
