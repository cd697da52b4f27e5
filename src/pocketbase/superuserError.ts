// Why a superuser call could not be made. An answer of PocketBase, also an unhappy one, is not an error.

/**
 * - `unreachable`: no answer, or not within the deadline.
 * - `notPocketBase`: an answer that PocketBase would not give.
 * - `credentials`: e-mail or password wrong.
 * - `secondFactor`: the account wants a second factor.
 * - `lockedOut`: PocketBase's `superuserIPs` does not admit this machine.
 * - `limited`: PocketBase's rate limiter said to wait.
 * - `oversized`: the answer is larger than this client takes.
 */
export type SuperuserProblem =
  | "unreachable"
  | "notPocketBase"
  | "credentials"
  | "secondFactor"
  | "lockedOut"
  | "limited"
  | "oversized";

/** A superuser call that came to nothing. `message` is one sentence without a secret. */
export class SuperuserError extends Error {
  override readonly name = "SuperuserError";
  readonly problem: SuperuserProblem;

  constructor(problem: SuperuserProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}
