// Is the presenter of a stale token the device that went on with its successor? Pure; decides nothing else.
import type { DeviceKey } from "./device.ts";

/**
 * `same`: the same did, or none on record, the same platform and a near address. `far`: none on record, the same
 * platform, another network. `diff`: another did, a did that is missing, or another platform.
 */
export type Comparison = "same" | "far" | "diff";

/** What the family is known by. */
export interface Family {
  readonly familyDid: string | undefined;
  readonly isMixed: boolean;
  readonly seen: readonly DeviceKey[];
}

/**
 * Compares a presenter with the device that used (or asked for) the successor. In a mixed session every device that
 * has presented a current generation counts.
 */
export const compareDevice = (family: Family, presenter: DeviceKey, reference: DeviceKey): Comparison => {
  if (!family.isMixed) return compareOne(family, presenter, reference);
  const found = [reference, ...family.seen].map((device) => compareOne(family, presenter, device));
  if (found.includes("same")) return "same";
  return found.includes("far") ? "far" : "diff";
};

const compareOne = (
  { familyDid, isMixed }: Family,
  presenter: DeviceKey,
  reference: DeviceKey,
): Comparison => {
  if (reference.did !== undefined && reference.did !== "") {
    return presenter.did === reference.did ? "same" : "diff";
  }
  // Of several honest devices, one may have a did and another none.
  const isMissing = familyDid !== undefined && presenter.did === undefined && !isMixed;
  if (isMissing || (reference.did === "" && !isMixed)) return "diff";
  if (presenter.platform !== reference.platform) return "diff";
  if (presenter.platform.startsWith("app:")) return "same";
  return presenter.network === reference.network ? "same" : "far";
};
