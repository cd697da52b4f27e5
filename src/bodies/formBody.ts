// Struct bodies that come as forms (typegen logs in with one): read strictly, written anew in the same
// media type, so that PocketBase's form reader sees exactly what was checked.
import { foldMemberName } from "../utils/strictJson.ts";
import { invalidBody, rebuildStructBody } from "./structBody.ts";

/** A multipart reader and writer, handed in: features do not import each other. */
export interface FormCodec {
  readBoundary(contentType: string): string;
  createParser(boundary: string, events: FormEvents): { push(chunk: Uint8Array): void; finish(): void };
  createWriter(): FormWriter;
  /** The sentence for an error of the reader; undefined for errors of another kind. */
  reasonOf(error: unknown): string | undefined;
}

interface FormEvents {
  part(info: { readonly name: string; readonly filename?: string }): void;
  data(chunk: Uint8Array): void;
  partEnd(): void;
  end(): void;
}

interface FormWriter {
  readonly contentType: string;
  partStart(info: { readonly name: string }): Uint8Array;
  partEnd(): Uint8Array;
  end(): Uint8Array;
}

export interface RebuiltForm {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** One field of a form. */
export interface Field {
  readonly name: string;
  readonly value: Uint8Array;
}

/** The part whose text is JSON and fills several members at once. */
const PAYLOAD = "@jsonPayload";
/** May come several times: PocketBase reads the values as a list. */
const LISTS = new Set(["subscriptions"]);

/** PocketBase merges query parameters into form fields; only these two mean something of their own. */
const QUERY_NAMES = new Set(["expand", "fields"]);

/**
 * Rebuilds a `multipart/form-data` body of text fields.
 * @throws Refusal `body_invalid`
 */
export const rebuildMultipartForm = (
  bytes: Uint8Array,
  contentType: string,
  codec: FormCodec,
): RebuiltForm => {
  const fields = readMultipartFields(bytes, contentType, codec);
  const writer = codec.createWriter();
  const pieces: Uint8Array[] = [];
  for (const { name, value } of checked(fields))
    pieces.push(writer.partStart({ name }), value, writer.partEnd());
  pieces.push(writer.end());
  return { contentType: writer.contentType, bytes: Buffer.concat(pieces) };
};

/**
 * Rebuilds an `application/x-www-form-urlencoded` body.
 * @throws Refusal `body_invalid`
 */
export const rebuildUrlencodedForm = (bytes: Uint8Array): RebuiltForm => {
  const text = Buffer.from(bytes).toString("latin1");
  if (!/^(?:[A-Za-z0-9*\-._~!'()@:,/?$+=&]|%[0-9A-Fa-f]{2})*$/.test(text)) {
    throw invalidBody("The form is not valid application/x-www-form-urlencoded.");
  }
  const fields = [...new URLSearchParams(text)].map(([name, value]) => ({ name, value: Buffer.from(value) }));
  const form = new URLSearchParams();
  for (const { name, value } of checked(fields)) form.append(name, Buffer.from(value).toString("utf8"));
  return { contentType: "application/x-www-form-urlencoded", bytes: Buffer.from(form.toString()) };
};

/** Refuses a query that would add fields to a form. @throws Refusal `body_invalid` */
export const checkFormQuery = (query: string): void => {
  for (const name of new URLSearchParams(query).keys()) {
    if (!QUERY_NAMES.has(name))
      throw invalidBody(`The query parameter ${JSON.stringify(name)} is not allowed with a form.`);
  }
};

// Every field once, also after the folding of Go's decoder, and also against the members of the payload.
const checked = (fields: readonly Field[]): Field[] => {
  const seen = new Map<string, string>();
  const take = (name: string): void => {
    const folded = foldMemberName(name);
    const first = seen.get(folded);
    if (first !== undefined && !(first === name && LISTS.has(name)))
      throw invalidBody(`The field ${JSON.stringify(name)} appears twice.`);
    seen.set(folded, name);
  };
  return fields.map(({ name, value }) => {
    take(name);
    if (name !== PAYLOAD) return { name, value };
    const payload = rebuildStructBody(value);
    for (const member of Object.keys(JSON.parse(Buffer.from(payload).toString("utf8")) ?? {})) take(member);
    return { name, value: payload };
  });
};

/**
 * The fields of a `multipart/form-data` body, in order.
 * @throws Refusal `body_invalid`
 */
export const readMultipartFields = (bytes: Uint8Array, contentType: string, codec: FormCodec): Field[] => {
  const fields: Field[] = [];
  let name = "";
  let chunks: Uint8Array[] = [];
  try {
    const parser = codec.createParser(codec.readBoundary(contentType), {
      part: (info) => {
        if (info.filename !== undefined) throw invalidBody("Files are not accepted here.");
        name = info.name;
        chunks = [];
      },
      data: (chunk) => chunks.push(chunk),
      partEnd: () => fields.push({ name, value: Buffer.concat(chunks) }),
      end: () => undefined,
    });
    parser.push(bytes);
    parser.finish();
  } catch (error) {
    const reason = codec.reasonOf(error);
    throw reason === undefined ? error : invalidBody(reason);
  }
  return fields;
};
