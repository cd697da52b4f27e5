// Batches as clients send them: JSON, the SDK's form, whose files come before its payload, and forms whose files come behind
// it. Sends nothing.

/** One request of a batch; `files` by field: their sizes. */
export interface Item {
  readonly method: string;
  readonly url: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, readonly number[]>>;
}

/** Where the payload stands among the files; JSON has no files. */
export type Travel = "json" | "files first" | "payload first";

const payloadOf = (items: readonly Item[]): string =>
  JSON.stringify({ requests: items.map(({ files: _, ...item }) => item) });

const appendFiles = (form: FormData, items: readonly Item[]): void => {
  for (const [index, { files = {} }] of items.entries())
    for (const [field, sizes] of Object.entries(files))
      for (const size of sizes)
        form.append(`requests.${index}.${field}`, new File(["x".repeat(size)], `f${size}.txt`));
};

/** A call's body. */
export const toBody = (
  items: readonly Item[],
  travel: Travel,
): { readonly json: string } | { readonly form: () => FormData } => {
  if (travel === "json") return { json: payloadOf(items) };
  return {
    form: () => {
      const form = new FormData();
      if (travel === "files first") appendFiles(form, items);
      form.append("@jsonPayload", payloadOf(items));
      if (travel === "payload first") appendFiles(form, items);
      return form;
    },
  };
};
