// How PocketBase turns what a body holds into the type of a field: it never complains, it makes the best of it.
// Functions say undefined where the outcome is not certain.

/** A file of a form. */
export class Upload {
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/** Text of a value: numbers in plain decimals, true and false as words, anything else is empty. */
export const toText = (value: unknown): string | undefined => {
  if (typeof value === "string") return value;
  if (typeof value === "number") return numberText(value);
  return typeof value === "boolean" ? String(value) : "";
};

// Go writes no exponents and knows a negative zero.
const numberText = (value: number): string | undefined => {
  if (!Number.isFinite(value) || Object.is(value, -0)) return undefined;
  const text = String(value);
  const parts = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (parts === null) return text;
  const [, sign = "", first = "", rest = "", exponent = "0"] = parts;
  const shift = Number(exponent);
  const digits = first + rest;
  if (shift < 0) return `${sign}0.${"0".repeat(-shift - 1)}${digits}`;
  return sign + digits.padEnd(shift + 1, "0");
};

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Number of a value: 0 for what is none. NaN and infinities only where PocketBase makes them, from words. */
export const toNumber = (value: unknown): number | undefined => {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "string") return 0;
  // Go has more ways to write numbers than one would send.
  if (/^[+-]?0x.*p/i.test(value)) return undefined;
  if (/\d_\d/.test(value) && !/(?:^|\D)_|_(?:\D|$)/.test(value)) return toNumber(value.replaceAll("_", ""));
  if (/^nan$/i.test(value)) return Number.NaN;
  if (/^[+-]?inf(?:inity)?$/i.test(value)) return Number.POSITIVE_INFINITY;
  if (value.length > 400) return undefined;
  const number = DECIMAL.test(value) ? Number(value) : 0;
  // What is too large is no number to Go, although it is written like one.
  return Number.isFinite(number) ? number : 0;
};

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);

/** Truth of a value. */
export const toBool = (value: unknown): boolean | undefined => {
  if (typeof value === "boolean") return value;
  if (typeof value === "string") return TRUE.has(value);
  if (typeof value === "number") return Number.isFinite(value) ? value !== 0 : undefined;
  return false;
};

/** The distinct, non-empty texts of a value: a list, a JSON list in a text, or a single one. */
export const toTexts = (value: unknown): readonly string[] | undefined => {
  // A list or an object within a list makes PocketBase drop the whole list.
  if (Array.isArray(value) && value.some(isNested)) return [];
  const list = listOf(value);
  const texts = new Set<string>();
  for (const one of list ?? []) {
    const text = toText(one);
    if (text === undefined) return undefined;
    if (text !== "") texts.add(text);
  }
  return list === undefined ? undefined : [...texts];
};

const isNested = (value: unknown): boolean => typeof value === "object" && value !== null;

const listOf = (value: unknown): readonly unknown[] | undefined => {
  if (Array.isArray(value)) return value;
  if (typeof value !== "string" || !value.includes("[")) return [value];
  const json = parseJson(value);
  if (json === undefined) return [value];
  // A list of other things than texts is half read by PocketBase.
  return Array.isArray(json) && json.every((one) => typeof one === "string") ? json : undefined;
};

/** A JSON document's value; undefined when it is none. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // no JSON
  }
};
