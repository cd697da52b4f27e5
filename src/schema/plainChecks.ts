// Fields that hold one value: number, bool, date and geoPoint.
import { type CollectionField, numberOption, textOption } from "../pocketbase/collection.ts";
import { parseJson, toBool, toNumber } from "./coerce.ts";
import { type Check, type FieldError, fieldError, REQUIRED, type Verdict } from "./fieldError.ts";
import { toDate } from "./goDate.ts";

const INT64 = 2 ** 63;

/** A `number` field. Zero passes every limit. */
export const checkNumber = (field: CollectionField): Check => {
  const checkLimits = limitsOf(field);
  return (value) => {
    const number = toNumber(value);
    if (number === undefined) return "unsure";
    if (!Number.isFinite(number))
      return fieldError("validation_not_a_number", "The submitted number is not properly formatted");
    if (number === 0) return field.isRequired ? REQUIRED : undefined;
    return checkLimits(number);
  };
};

const limitsOf = (field: CollectionField): ((number: number) => Verdict) => {
  const min = numberOption(field, "min") ?? Number.NEGATIVE_INFINITY;
  const max = numberOption(field, "max") ?? Number.POSITIVE_INFINITY;
  const onlyInt = field.options["onlyInt"] === true;
  return (number) => {
    if (onlyInt && !isInt64(number))
      return fieldError("validation_only_int_constraint", "Decimal numbers are not allowed");
    if (number < min) return limitError("min", "Must be larger than", min);
    if (number > max) return limitError("max", "Must be less than", max);
    return undefined;
  };
};

const isInt64 = (number: number): boolean => Number.isInteger(number) && number >= -INT64 && number < INT64;

// JavaScript writes larger numbers with an exponent, and smaller ones too.
const limitError = (side: "min" | "max", words: string, limit: number): Verdict => {
  const size = Math.abs(limit);
  if (size >= 1e21 || (size < 1e-6 && size > 0)) return "unsure";
  const code = `validation_${side}_number_constraint`;
  const newer = `Must be ${side === "min" ? "greater" : "less"} or equal than ${limit}`;
  return {
    ...fieldError(code, `${words} ${limit.toFixed(6)}`),
    since040: fieldError(code, newer, { [side]: limit }),
  };
};

/** A `bool` field; required means true. */
export const checkBool =
  (field: CollectionField): Check =>
  (value) => {
    const truth = toBool(value);
    if (truth === undefined) return "unsure";
    return field.isRequired && !truth ? REQUIRED : undefined;
  };

/** A `date` field. What is no date counts as empty. */
export const checkDate = (field: CollectionField): Check => {
  const [min, max] = [toDate(textOption(field, "min")), toDate(textOption(field, "max"))];
  return (value) => {
    const date = toDate(value);
    if (date === "unsure" || min === "unsure" || max === "unsure") return "unsure";
    if (date === undefined) return field.isRequired ? REQUIRED : undefined;
    if (min !== undefined && date < min)
      return thresholdError("validation_min_greater_equal_than_required", "must be no less than", min);
    if (max !== undefined && date > max)
      return thresholdError("validation_max_less_equal_than_required", "must be no greater than", max);
    return undefined;
  };
};

// Go leaves out zeros at the end of a fraction.
const thresholdError = (code: string, words: string, limitMs: number): FieldError => {
  const iso = new Date(limitMs).toISOString().replace(/\.?0*Z$/, "");
  return fieldError(code, `${words} ${iso.replace("T", " ")} +0000 UTC`, { threshold: `${iso}Z` });
};

/** A `geoPoint` field. Other shapes than an object count as 0, 0. */
export const checkGeoPoint =
  (field: CollectionField): Check =>
  (value) => {
    const point = toPoint(value);
    if (point === undefined) return "unsure";
    const { lon, lat } = point;
    if (lon === 0 && lat === 0) return field.isRequired ? REQUIRED : undefined;
    if (Math.abs(lat) > 90)
      return fieldError("validation_invalid_latitude", "Latitude must be between -90 and 90 degrees");
    if (Math.abs(lon) > 180)
      return fieldError("validation_invalid_longitude", "Longitude must be between -180 and 180 degrees");
    return undefined;
  };

const ORIGIN = { lon: 0, lat: 0 };

const toPoint = (value: unknown): { readonly lon: number; readonly lat: number } | undefined => {
  const shape = typeof value === "string" ? parseJson(value) : value;
  if (typeof shape !== "object" || shape === null || Array.isArray(shape)) return ORIGIN;
  // Before 0.40 the members match in any case; with other spellings there is no telling.
  const names = Object.keys(shape).filter((name) => /^(?:lon|lat)$/i.test(name));
  const point = { ...ORIGIN };
  for (const name of names) {
    const number: unknown = Reflect.get(shape, name) ?? 0;
    // What is no number is none of it, and until 0.39 the other one counts.
    if (!isPlainNumber(number) && names.length === 1) return ORIGIN;
    if ((name !== "lon" && name !== "lat") || !isPlainNumber(number)) return undefined;
    point[name] = number;
  }
  return point;
};

const isPlainNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);
