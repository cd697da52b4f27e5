// The body of `impersonate`, judged as PocketBase reads it: one whole number of seconds. Whether the caller may, and whether
// there is such a record, comes first, and is not asked here.
import type { AuthRefusal } from "./authBody.ts";
import { fieldError } from "./fieldError.ts";

const UNREAD: AuthRefusal = { data: {}, message: "An error occurred while loading the submitted data." };
const TOO_SMALL: AuthRefusal = {
  data: {
    duration: fieldError("validation_min_greater_equal_than_required", "must be no less than 0", {
      threshold: 0,
    }),
  },
  message: "An error occurred while validating the submitted data.",
};

/** What no number of Go's has in it, whatever its base. */
const NO_NUMBER = /[^0-9a-fox_+-]/i;

/**
 * Judges `duration`.
 * @param duration - A JSON value, or the text of a form.
 * @param text - The body it stands in, where 1.0 and 1e3 can be told from whole numbers: Go reads neither.
 * @returns PocketBase's whole refusal; undefined when it has none, or when it might be another. O(size).
 */
export const judgeImpersonation = (
  duration: unknown,
  { isForm, text }: { readonly isForm: boolean; readonly text: string },
): AuthRefusal | undefined => {
  if (duration === undefined || duration === null) return undefined;
  if (isForm) return judgeText(String(duration));
  if (typeof duration !== "number" || !Number.isInteger(duration)) return UNREAD;
  const isPlain = Number.isSafeInteger(duration) && !/\d[.eE]/.test(text);
  return isPlain && duration < 0 ? TOO_SMALL : undefined;
};

// Of a form, an empty one counts for nothing.
const judgeText = (text: string): AuthRefusal | undefined => {
  if (NO_NUMBER.test(text)) return UNREAD;
  return /^-[1-9]\d{0,15}$/.test(text) ? TOO_SMALL : undefined;
};
