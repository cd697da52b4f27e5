// One field's error in PocketBase's words. Renders no answer.

/** As it stands in `data` of PocketBase's answer; `params` is absent when the rule has none. */
export interface FieldError {
  readonly code: string;
  readonly message: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Errors by field. */
export type FieldErrors = Readonly<Record<string, FieldError>>;

/** What is known of a value: fine (undefined), surely refused by PocketBase, or PocketBase's to decide. */
export type Verdict = FieldError | "unsure" | undefined;

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
  const text = message.trim();
  const [first = ""] = text;
  const ending = /[.?!]$/.test(text) ? "" : ".";
  const sentence = `${first.toUpperCase()}${text.slice(first.length)}${ending}`;
  return params === undefined ? { code, message: sentence } : { code, message: sentence, params };
};
