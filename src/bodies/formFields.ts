// The fields of a record's form, for judging them; of files only the name and the size. Rebuilds nothing.
import { checkFormQuery, type FormCodec } from "./formBody.ts";
import { invalidBody } from "./structBody.ts";

/** A text, or a file. */
interface FormField {
  readonly name: string;
  readonly value: string | { readonly filename: string; readonly bytes: number };
}

/**
 * The fields of a whole form, in order, with those that PocketBase takes from the query.
 * @throws Refusal `body_invalid` for what two readers could read differently.
 */
export const readFormFields = (
  bytes: Uint8Array,
  {
    contentType,
    query,
    codec,
  }: { readonly contentType: string; readonly query: string; readonly codec: FormCodec },
): FormField[] => {
  checkFormQuery(query);
  const fields = contentType.startsWith("multipart/form-data")
    ? multipartFields(bytes, contentType, codec)
    : urlencodedFields(bytes);
  return [...fields, ...pairsOf(query)];
};

const pairsOf = (text: string): FormField[] =>
  [...new URLSearchParams(text)].map(([name, value]) => ({ name, value }));

const urlencodedFields = (bytes: Uint8Array): FormField[] => {
  const text = Buffer.from(bytes).toString("latin1");
  if (!/^(?:[A-Za-z0-9*\-._~!'()@:,/?$+=&]|%[0-9A-Fa-f]{2})*$/.test(text))
    throw invalidBody("The form is not valid application/x-www-form-urlencoded.");
  return pairsOf(text);
};

const multipartFields = (bytes: Uint8Array, contentType: string, codec: FormCodec): FormField[] => {
  const fields: FormField[] = [];
  let [name, filename, length] = ["", "", 0];
  let chunks: Uint8Array[] = [];
  try {
    const parser = codec.createParser(codec.readBoundary(contentType), {
      part: (info) => {
        // Go takes a part with an empty file name for a text.
        [name, filename, length] = [info.name, info.filename ?? "", 0];
        chunks = [];
      },
      data: (chunk) => {
        length += chunk.length;
        if (filename === "") chunks.push(chunk);
      },
      partEnd: () => {
        const text = (): string => Buffer.concat(chunks).toString("utf8");
        fields.push({ name, value: filename === "" ? text() : { filename, bytes: length } });
      },
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
