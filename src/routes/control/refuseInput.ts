// Says what is wrong with the input of an admin call, in PocketBase's words: a member of `data` for each field.
import { Refusal } from "../../errors.ts";

/** The part of a Zod issue that is shown. */
interface InputIssue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Names nobody knows, of an `unrecognized_keys` issue. */
  readonly keys?: readonly string[];
}

/** Fields named in one answer. */
const FIELDS_MAX = 20;
const NAME_MAX = 100;

/** @throws Refusal `input_invalid` with one entry of `data` per field. Shows no value that was sent. */
export const refuseInput = (issues: readonly InputIssue[]): never => {
  const data: Record<string, { readonly code: string; readonly message: string }> = Object.create(null);
  const all = issues.flatMap(({ code, path, message, keys }) =>
    code === "unrecognized_keys"
      ? (keys ?? []).map((key) => ({
          name: key,
          code: "validation_unknown_field",
          message: "Unknown field.",
        }))
      : [{ name: path.map(String).join("."), code: "validation_invalid_value", message }],
  );
  for (const { name, code, message } of all.slice(0, FIELDS_MAX))
    data[name.slice(0, NAME_MAX) || "body"] ??= { code, message };
  throw new Refusal("input_invalid", { data });
};
