// Where a resumable upload may go: looked at when it begins and again when it is whole, because much may change in a day.
// Whether the caller may change this very record is PocketBase's to judge.
import { Refusal } from "../../errors.ts";
import type { Principal } from "../../exchange.ts";
import type { Collection, CollectionField } from "../../pocketbase/collection.ts";
import type { Services } from "../../services.ts";

/** A file field of a collection. */
export interface UploadPlace {
  readonly collection: Collection;
  readonly field: CollectionField;
}

/**
 * The field that an upload is for, as PocketBase has it at this moment. Rejects with a Refusal: `not_found` when there is
 * none that the caller could fill, `write_denied` where writes need a proof, `upstream_unreachable`.
 */
export const uploadPlace = async (
  { collections, settings }: Services,
  named: { readonly collection: string; readonly field: string },
  { kind }: Principal,
): Promise<UploadPlace> => {
  if (!(await collections.confirm(0))) throw new Refusal("upstream_unreachable");
  const collection = collections.current().find(named.collection);
  const field = collection?.fieldByName.get(named.field);
  if (collection === undefined || field?.type !== "file" || collection.type === "view")
    throw new Refusal("not_found");
  if (kind === "superuser") return { collection, field };
  // A write that must be signed by an app cannot come in pieces.
  // The settings may name its collection by id, or by name in any case.
  const names = [...settings.security.writes.keys()];
  if (names.some((name) => collections.find(name)?.id === collection.id)) throw new Refusal("write_denied");
  // PocketBase drops what comes for a hidden field, and says that all is well.
  if (collection.rules.update === null || field.isHidden) throw new Refusal("not_found");
  return { collection, field };
};
