// Shared pieces of Zod schemas. Knows no collections and no settings.
import { z } from "zod";

/** What a check found, carried through Zod in `params`. */
export interface CheckIssue<T> {
  readonly path: readonly PropertyKey[];
  readonly finding: T;
}

/**
 * A schema that takes any value, also none, and reports what `check` finds; the value stays as it is.
 * @param check - Returns undefined for a value that is fine. Must not throw.
 */
export const checkedValue = <T>(check: (value: unknown) => T | undefined): z.ZodType<unknown> =>
  z.unknown().superRefine((value, context) => {
    const finding = check(value);
    if (finding !== undefined)
      context.addIssue({ code: "custom", message: messageOf(finding), params: { finding } });
  });

const messageOf = (finding: unknown): string =>
  typeof finding === "object" && finding !== null && "message" in finding ? String(finding.message) : "";

/**
 * The findings of schemas made with {@link checkedValue} in a failed parse; issues of other schemas, such as a
 * user's own refinements, are turned into findings by `translate`.
 */
export const findingsOf = <T>(
  error: z.ZodError,
  translate: (issue: z.core.$ZodIssue) => T,
): readonly CheckIssue<T>[] =>
  error.issues.map((issue) => {
    const params = issue.code === "custom" ? issue.params : undefined;
    const finding =
      params === undefined || !("finding" in params) ? translate(issue) : (params["finding"] as T);
    return { path: issue.path, finding };
  });
