// One field's error in PocketBase's words. Renders no answer.

/** As it stands in `data` of PocketBase's answer; `params` is absent when the rule has none. */
export interface FieldError {
  readonly code: string;
  readonly message: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Which PocketBase's words: they changed for the limits of numbers. Unknown for what lies between. */
export type Wording = "0.39" | "0.40" | "unknown";

/** An error whose words depend on the version: its own are those of 0.39.1 and before. */
export interface VersionedError extends FieldError {
  readonly since040: FieldError;
}

/** The error in the words of a version; undefined when they are not known. */
export const inWords = (error: FieldError | VersionedError, wording: Wording): FieldError | undefined => {
  if (!("since040" in error)) return error;
  const { since040, ...before } = error;
  if (wording === "unknown") return undefined;
  return wording === "0.40" ? since040 : before;
};

/** Errors by field. */
export type FieldErrors = Readonly<Record<string, FieldError>>;

/** What is known of a value: fine (undefined), surely refused by PocketBase, or PocketBase's to decide. */
export type Verdict = FieldError | VersionedError | "unsure" | undefined;

/** Judges one field's value, undefined when the body has none. Total; O(size of the value). */
export type Check = (value: unknown) => Verdict;

/** PocketBase's error for what must not be empty. */
export const REQUIRED: FieldError = { code: "validation_required", message: "Cannot be blank." };

/**
 * An error with PocketBase's code. The message is trimmed, starts with a capital letter and ends with a full
 * stop unless it has an end of its own, as in PocketBase's answers.
 */
export const fieldError = (
  code: string,
  message: string,
  params?: Readonly<Record<string, unknown>>,
): FieldError => {
  const text = trimmed(message);
  const [first = ""] = text;
  const ending = /[.?!]$/.test(text) ? "" : ".";
  const sentence = `${first.toUpperCase()}${text.slice(first.length)}${ending}`;
  return params === undefined ? { code, message: sentence } : { code, message: sentence, params };
};

/** What Go counts as blank: other than JavaScript U+0085 too, and no byte-order mark. */
const isBlank = (character: string): boolean =>
  character === "\u0085" || (character !== "\ufeff" && character.trim() === "");

const trimmed = (text: string): string => {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charAt(start))) start++;
  while (end > start && isBlank(text.charAt(end - 1))) end--;
  return text.slice(start, end);
};
