// `Upload-Metadata` of tus 1.0: what an upload is for, in the client's words. Looks nothing up.

/** What a client says about a new upload. */
export interface UploadMetadata {
  /** Name or id. */
  readonly collection: string;
  readonly record: string;
  readonly field: string;
  readonly filename: string;
}

const WORD = /^\w{1,255}$/;
const CONTROL = /\p{Cc}/u;

/** @returns undefined when a member is missing, said twice, or cannot be what it should be. */
export const readUploadMetadata = (header: string): UploadMetadata | undefined => {
  const found = new Map<string, string>();
  for (const pair of header.split(",")) {
    const [name = "", value = "", more] = pair.trim().split(" ");
    if (more !== undefined || found.has(name) || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return undefined;
    found.set(name, Buffer.from(value, "base64").toString("utf8"));
  }
  const word = (name: string): string | undefined => {
    const text = found.get(name);
    return text !== undefined && WORD.test(text) ? text : undefined;
  };
  const [collection, record, field] = [word("collection"), word("record"), word("field")];
  const filename = found.get("filename") ?? "file";
  if (collection === undefined || record === undefined || field === undefined) return undefined;
  if (filename === "" || filename.length > 1000 || CONTROL.test(filename)) return undefined;
  return { collection, record, field, filename };
};
