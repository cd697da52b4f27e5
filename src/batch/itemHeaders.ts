// The `headers` of a batch item. PocketBase sets them on the inner request, where they would override what
// Hapta says about the caller, so only names that no rule or address lookup can confuse pass.
import { isDroppedFromRequests } from "../utils/headers.ts";
import type { JsonNode } from "../utils/strictJson.ts";
import { malformedMember } from "./batchFaults.ts";

// Rules read a header under a name in which every run of other characters became one `_`: `X.Real.IP`,
// `X--Real-IP` and `X-Real-IP-` all end up as `x_real_ip`. Only plain words joined by single dashes are safe.
const PLAIN_NAME = /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$/;
const CONTROL = /\p{Cc}/u;

/**
 * Writes the headers of item `index` anew, without the dropped ones; `null` values pass (PocketBase reads "").
 * @returns JSON text, or undefined when none is left.
 * @throws Refusal `batch_invalid` for anything but an object of strings, and for a name in two spellings.
 */
export const rebuildItemHeaders = (node: JsonNode, index: number): string | undefined => {
  if (node.text === "null") return undefined;
  if (node.members === undefined) throw malformedMember(index, "headers", "Must be an object of strings.");
  const seen = new Set<string>();
  const parts: string[] = [];
  for (const [name, value] of node.members) {
    if (value.kind !== "string" && value.text !== "null") {
      throw malformedMember(index, "headers", `The value of ${JSON.stringify(name)} must be a string.`);
    }
    if (CONTROL.test(value.string ?? "")) {
      throw malformedMember(
        index,
        "headers",
        `The value of ${JSON.stringify(name)} has a control character.`,
      );
    }
    const lower = name.toLowerCase();
    if (seen.has(lower))
      throw malformedMember(index, "headers", `The header ${JSON.stringify(lower)} appears twice.`);
    seen.add(lower);
    if (isDroppedFromRequests(lower) || lower === "authorization" || !PLAIN_NAME.test(name)) continue;
    parts.push(`${JSON.stringify(name)}:${value.text}`);
  }
  return parts.length === 0 ? undefined : `{${parts.join(",")}}`;
};
