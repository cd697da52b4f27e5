// The text fields of a record's form, for judging them; files stay unread. Rebuilds nothing.
import { checkFormQuery, type FormCodec } from "./formBody.ts";
import { invalidBody } from "./structBody.ts";

interface TextField {
  readonly name: string;
  readonly value: string;
}

/**
 * The text fields of a whole form, in order, with those that PocketBase takes from the query.
 * @throws Refusal `body_invalid` for what two readers could read differently.
 */
export const readFormTexts = (
  bytes: Uint8Array,
  {
    contentType,
    query,
    codec,
  }: { readonly contentType: string; readonly query: string; readonly codec: FormCodec },
): TextField[] => {
  checkFormQuery(query);
  const fields = contentType.startsWith("multipart/form-data")
    ? multipartTexts(bytes, contentType, codec)
    : urlencodedTexts(bytes);
  return [...fields, ...pairsOf(query)];
};

const pairsOf = (text: string): TextField[] =>
  [...new URLSearchParams(text)].map(([name, value]) => ({ name, value }));

const urlencodedTexts = (bytes: Uint8Array): TextField[] => {
  const text = Buffer.from(bytes).toString("latin1");
  if (!/^(?:[A-Za-z0-9*\-._~!'()@:,/?$+=&]|%[0-9A-Fa-f]{2})*$/.test(text))
    throw invalidBody("The form is not valid application/x-www-form-urlencoded.");
  return pairsOf(text);
};

const multipartTexts = (bytes: Uint8Array, contentType: string, codec: FormCodec): TextField[] => {
  const fields: TextField[] = [];
  let name: string | undefined;
  let chunks: Uint8Array[] = [];
  try {
    const parser = codec.createParser(codec.readBoundary(contentType), {
      part: (info) => {
        // Go takes a part with an empty file name for a text.
        name = info.filename === undefined || info.filename === "" ? info.name : undefined;
        chunks = [];
      },
      data: (chunk) => {
        if (name !== undefined) chunks.push(chunk);
      },
      partEnd: () => {
        if (name !== undefined) fields.push({ name, value: Buffer.concat(chunks).toString("utf8") });
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
