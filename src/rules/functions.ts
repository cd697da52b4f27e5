// The functions of the filter language: what they take, and which of them read the clock.
import type { FunctionCall, Span } from "./expression.ts";
import type { FilterProblem } from "./filterError.ts";

/** Those that PocketBase 0.36 to 0.40 have. */
export const FUNCTIONS: ReadonlySet<string> = new Set(["geoDistance", "strftime"]);

const STRFTIME_ARGS_MAX = 10;

/**
 * What PocketBase has against a call, whatever the collection; undefined when there is nothing.
 *
 * `geoDistance(lonA, latA, lonB, latB)` takes names and numbers; `strftime(format, time?, modifier…)` takes a
 * text, then a text, name or number, then texts. About other functions there is no certainty: a PocketBase that
 * is newer or extended in Go may have more.
 */
export const checkCall = (call: FunctionCall): FilterProblem | undefined => {
  const { name, start } = call;
  if (name === "geoDistance") return checkGeoDistance(call);
  if (name === "strftime") return checkStrftime(call);
  return { message: `There is no function ${name}.`, position: start, isCertain: false };
};

const refused = (message: string, { start }: Span): FilterProblem => ({
  message,
  position: start,
  isCertain: true,
});

const checkGeoDistance = (call: FunctionCall): FilterProblem | undefined => {
  if (call.args.length !== 4) return refused("geoDistance takes four arguments.", call);
  const wrong = call.args.find(({ kind }) => kind !== "identifier" && kind !== "number");
  return wrong === undefined ? undefined : refused("geoDistance takes fields and numbers only.", wrong);
};

const checkStrftime = (call: FunctionCall): FilterProblem | undefined => {
  const [format, time, ...modifiers] = call.args;
  if (format === undefined || call.args.length > STRFTIME_ARGS_MAX)
    return refused(`strftime takes 1 to ${STRFTIME_ARGS_MAX} arguments.`, call);
  if (format.kind !== "text") return refused("strftime's format must be a quoted text.", format);
  if (time?.kind === "function") return refused("strftime's time can't be a function.", time);
  const wrong = modifiers.find(({ kind }) => kind !== "text");
  return wrong === undefined ? undefined : refused("strftime's modifiers must be quoted texts.", wrong);
};

/**
 * Whether the result of one of {@link FUNCTIONS} changes with time alone: `strftime` without a time, or with a text of which not every
 * character is one of a plain date's. SQLite knows `now` and its modifiers in several spellings, so any doubt
 * counts as yes.
 */
export const readsClock = ({ name, args }: FunctionCall): boolean => {
  if (name === "geoDistance") return false;
  const time = args[1];
  if (time === undefined) return true;
  return time.kind === "text" && !/^[\d\s:.TZ+-]+$/.test(time.value);
};
