// What a download's URL asks for, in one spelling: PocketBase reads three parameters, and only some thumbs are thumbs.
import type { Collection } from "../pocketbase/collection.ts";

/** A download that may be kept. */
export interface FileWish {
  /** Names the bytes and their headers, whoever asks. */
  readonly key: string;
  /** What PocketBase is asked with. */
  readonly query: string;
  readonly isThumb: boolean;
}

/** Stored names: what PocketBase makes of any name. */
const NAME = /^[\w.-]{1,255}$/;
const RECORD_ID = /^\w{1,255}$/;
/** Made for every image, whatever the field's options say. */
const ALWAYS_THUMB = "100x100";
/** Go's `strconv.ParseBool`. */
const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);

/** Whether a record of this collection may have files that not everybody may see. */
export const hasProtectedFiles = ({ fields }: Collection): boolean =>
  fields.some(({ type, options }) => type === "file" && options["protected"] === true);

/** @returns undefined when the URL says anything that hooks may read, or no name that PocketBase gives. */
export const readWish = (
  collection: Collection,
  recordId: string,
  { name, query }: { readonly name: string; readonly query: string },
): FileWish | undefined => {
  if (!NAME.test(name) || !RECORD_ID.test(recordId)) return undefined;
  const found = new Map<string, string>();
  for (const [parameter, value] of query === "" ? [] : new URLSearchParams(`&${query}`)) {
    if (found.has(parameter) || !PARAMETERS.has(parameter)) return undefined;
    found.set(parameter, value);
  }
  const size = found.get("thumb") ?? "";
  const isThumb = size !== "" && isListed(collection, size);
  const isAttachment = TRUE.has(found.get("download") ?? "");
  const parts = [...(isThumb ? [`thumb=${size}`] : []), ...(isAttachment ? ["download=1"] : [])];
  const wanted = parts.join("&");
  return { key: `${collection.id}/${recordId}/${name}?${wanted}`, query: wanted, isThumb };
};

/** `token` means something for protected files only, which are never kept. */
const PARAMETERS = new Set(["thumb", "download", "token"]);

// For any other size PocketBase sends the original, and so one entry serves them all.
const isListed = ({ fields }: Collection, size: string): boolean =>
  size === ALWAYS_THUMB ||
  fields.some(({ options }) => Array.isArray(options["thumbs"]) && options["thumbs"].includes(size));
