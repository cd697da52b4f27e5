// What a check of the upstream found, as a value. Checks nothing itself.

/** The checks, in the order in which they run. */
export type CheckName = "reachable" | "credentials" | "version" | "trustedProxy" | "superuserIPs" | "batch";

/**
 * One result. `message` is a sentence for the person who runs Hapta, without secrets; `fix` says exactly
 * what to change. When `ok` is false, `severity` says what follows:
 * - `wait`: PocketBase is away or busy; ask again soon.
 * - `fatal`: Hapta cannot serve until a person changes something.
 * - `warning`: Hapta serves, but something will not work as it should.
 */
export type Finding =
  | {
      readonly ok: true;
      readonly check: CheckName;
      readonly message: string;
      /** Of `version`: the release line, such as `0.39`. */
      readonly line?: string;
    }
  | {
      readonly ok: false;
      readonly check: CheckName;
      readonly severity: "wait" | "fatal" | "warning";
      readonly message: string;
      readonly fix?: string;
    };

/** A finding that is not as it should be. */
export type FailedFinding = Extract<Finding, { readonly ok: false }>;

/** The first finding that keeps Hapta from serving, or undefined. */
export function blockingFinding(findings: readonly Finding[]): FailedFinding | undefined {
  return findings.find((finding): finding is FailedFinding => !finding.ok && finding.severity !== "warning");
}

/** A finding as one line: its sentence and, when there is one, what to change. */
export function renderFinding(finding: Finding): string {
  return finding.ok || finding.fix === undefined ? finding.message : `${finding.message} ${finding.fix}`;
}
