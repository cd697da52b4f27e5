// What a download asks for, read off its head once for requests that are alike. Looks up no file.
import type { Schema } from "../pocketbase/liveSchema.ts";
import { type FileWish, hasProtectedFiles, readWish } from "./fileQuery.ts";

/** A download, as far as its head and the collections tell. */
export interface FileAsk {
  /**
   * - `guarded`: PocketBase decides each time who may have it.
   * - `odd`: what is not kept, such as names that PocketBase gives to nothing.
   * - `plain`: may be answered from what is kept.
   */
  readonly kind: "guarded" | "odd" | "plain";
  /** Of plain ones. */
  readonly wish: FileWish | undefined;
  readonly collectionId: string;
  readonly recordId: string;
  readonly hasOrigin: boolean;
  /** Neither conditions nor ranges: the whole file, or its head. */
  readonly isWhole: boolean;
  readonly isThumb: boolean;
}

/** The part of a request this needs. */
export interface AskingRequest {
  /** The same object for the same head. */
  readonly alike: object | undefined;
  readonly path: string;
  /** Without its token it is the same for the same head. */
  readonly query: string;
  readonly headers: readonly string[];
}

const PATH = /^\/api\/files\/([^/]+)\/([^/]+)\/([^/]+)$/;
/** Whether a query asks for one, as far as PocketBase could see. */
const THUMB = /(?:^|&)(?:thumb|%)/;
const PARTIAL = /^(?:range|if-.+)$/i;

/** Makes the reader. */
export const createFileAsk = (): ((request: AskingRequest, schema: Schema) => FileAsk) => {
  const known = new WeakMap<object, { readonly version: number; readonly ask: FileAsk }>();
  return (request, schema) => {
    const before = request.alike === undefined ? undefined : known.get(request.alike);
    if (before !== undefined && before.version === schema.version) return before.ask;
    const ask = readAsk(request, schema);
    if (request.alike !== undefined) known.set(request.alike, { version: schema.version, ask });
    return ask;
  };
};

/** Whether a query asks for a thumb, as far as PocketBase could see. */
export const asksForThumb = (query: string): boolean => THUMB.test(query);

const readAsk = ({ path, query, headers }: AskingRequest, schema: Schema): FileAsk => {
  const [, segment = "", recordId = "", name = ""] = PATH.exec(path) ?? [];
  const collection = schema.find(segment);
  const names = headers.filter((_, i) => i % 2 === 0);
  const rest = {
    collectionId: collection?.id ?? "",
    recordId,
    hasOrigin: names.some((one) => one.toLowerCase() === "origin"),
    isWhole: !names.some((one) => PARTIAL.test(one)),
    isThumb: asksForThumb(query),
  };
  if (collection === undefined || collection.type === "view" || hasProtectedFiles(collection))
    return { ...rest, kind: "guarded", wish: undefined };
  const wish = readWish(collection, recordId, { name, query });
  return { ...rest, kind: wish === undefined ? "odd" : "plain", wish };
};
