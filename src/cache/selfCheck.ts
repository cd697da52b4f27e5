// What the check at the start has found out about the collections of the app. Checks nothing itself.

/** The outcome of one check. */
export interface SelfCheck {
  /** Unix ms. */
  readonly atMs: number;
  /** How many collections have lists that everybody shares, and that are kept for each kind of caller or each caller. */
  readonly shared: number;
  readonly byCaller: number;
  /** Collections whose plain lists are not kept, and why. */
  readonly notKept: readonly { readonly collection: string; readonly reason: string }[];
  /** Collections whose records PocketBase shows differently each time. */
  readonly unsteady: readonly string[];
  /** Collections that the settings name and that PocketBase does not have. */
  readonly unknown: readonly string[];
}
