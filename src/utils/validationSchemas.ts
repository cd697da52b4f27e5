// Shared pieces of Zod schemas. Knows no collections and no settings.
import { z } from "zod";

/** What a check found, carried through Zod in `params`. */
export interface CheckIssue<T> {
  readonly path: readonly PropertyKey[];
  readonly finding: T;
}

/** Any object. */
type Members = Readonly<Record<string, unknown>>;

/**
 * A schema of objects that reports what each check finds of the member of its name, also when there is none; values
 * stay as they are, and other members are let be. One schema for all members: hundreds of collections have thousands,
 * and a schema for each takes ten times as long to make and to run.
 * @param checks - Return undefined for a value that is fine. Must not throw.
 */
export const checkedMembers = <T>(
  checks: ReadonlyMap<string, (value: unknown) => T | undefined>,
): z.ZodType<Members> =>
  z.custom<Members>(isObject).superRefine((members, context) => {
    for (const [name, check] of checks) {
      const finding = check(members[name]);
      if (finding === undefined) continue;
      const [path, message] = [[name], messageOf(finding)];
      context.addIssue({ code: "custom", path, message, params: { finding } });
    }
  });

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

const messageOf = (finding: unknown): string =>
  typeof finding === "object" && finding !== null && "message" in finding ? String(finding.message) : "";

/**
 * The findings of schemas made with {@link checkedMembers} in a failed parse; issues of other schemas, such as a
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
