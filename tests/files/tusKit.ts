// Speaks tus to a Hapta, a request at a time.
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Bytes that are not the same everywhere. */
export const bytesOf = (length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 9)) & 255));

/** Files in the spool of a data folder. */
export const spooled = (dataDir: string): string[] => readdirSync(join(dataDir, "spool"));

/** The metadata of an upload into a notice. */
export const metadata = (record: string, more: Readonly<Record<string, string>> = {}): string =>
  Object.entries({ collection: "notices", record, field: "blob", filename: "part.bin", ...more })
    .map(([name, value]) => `${name} ${Buffer.from(value).toString("base64")}`)
    .join(",");

/** What a request has besides its method and place. */
export interface Call {
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** Sends one request of the protocol; an empty token is none. */
export const call = (url: string, method: string, { token, headers = {}, body }: Call): Promise<Response> =>
  fetch(url, {
    method,
    headers: {
      "Tus-Resumable": "1.0.0",
      ...(token === "" ? {} : { Authorization: token }),
      ...(body === undefined ? {} : { "Content-Type": "application/offset+octet-stream" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });

/** Sends bytes for an offset. */
export const patch = (
  url: string,
  [offset, bytes]: readonly [offset: number, bytes: Buffer],
  more: Call,
): Promise<Response> =>
  call(url, "PATCH", {
    ...more,
    headers: { "Upload-Offset": String(offset), ...more.headers },
    body: new Uint8Array(bytes),
  });

/** Status and stable code. */
export const codeOf = (answer: Response): string => `${answer.status} ${answer.headers.get("x-hapta-error")}`;

/** The last file of a notice, as PocketBase has it. */
export const stored = async (pocketbaseUrl: string, record: string): Promise<Buffer> => {
  const saved: unknown = await (
    await fetch(`${pocketbaseUrl}/api/collections/notices/records/${record}`)
  ).json();
  const name = String([Reflect.get(Object(saved), "blob")].flat().at(-1));
  const answer = await fetch(`${pocketbaseUrl}/api/files/notices/${record}/${name}`);
  return Buffer.from(await answer.arrayBuffer());
};
