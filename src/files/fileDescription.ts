// The description of a kept file as it stands on disk, behind the file's bytes. Reads no bytes of the file itself.
import { open } from "node:fs/promises";
import type { FileEntry, FileFacts } from "./fileEntry.ts";

const MARK = "HPF1";
const FOOTER_BYTES = 8;
const META_BYTES_MAX = 16_384;

/** What stands behind the bytes of a kept file. */
export const describe = (
  key: string,
  { headers, lastModified, allowsOrigin }: FileFacts,
  { etag, length }: { readonly etag: string; readonly length: number },
): Uint8Array => {
  const meta = Buffer.from(JSON.stringify({ key, headers, lastModified, allowsOrigin, etag, length }));
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeUInt32BE(meta.length, 0);
  footer.write(MARK, 4, "latin1");
  return Buffer.concat([meta, footer]);
};

/** Reads it back; undefined for what is not one, or not whole. Never rejects. */
export const readDescription = async (path: string): Promise<FileEntry | undefined> => {
  const handle = await open(path, "r").catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    const footer = Buffer.alloc(FOOTER_BYTES);
    await handle.read(footer, 0, FOOTER_BYTES, size - FOOTER_BYTES);
    const metaBytes = footer.readUInt32BE(0);
    if (footer.toString("latin1", 4) !== MARK || metaBytes > META_BYTES_MAX) return undefined;
    const meta = Buffer.alloc(metaBytes);
    await handle.read(meta, 0, metaBytes, size - FOOTER_BYTES - metaBytes);
    const entry = toEntry(JSON.parse(meta.toString("utf8")));
    return entry?.length === size - FOOTER_BYTES - metaBytes ? entry : undefined;
  } catch {
    return undefined; // not one of ours, or broken
  } finally {
    await handle.close();
  }
};

const toEntry = (meta: unknown): FileEntry | undefined => {
  const member = (name: string): unknown =>
    typeof meta === "object" && meta !== null ? Reflect.get(meta, name) : undefined;
  const text = (name: string): string | undefined => {
    const value = member(name);
    return typeof value === "string" ? value : undefined;
  };
  const [key, etag, length, headers] = [text("key"), text("etag"), member("length"), member("headers")];
  if (key === undefined || etag === undefined || typeof length !== "number" || !Array.isArray(headers))
    return undefined;
  return {
    key,
    etag,
    length,
    headers: headers.filter((one) => typeof one === "string"),
    lastModified: text("lastModified"),
    allowsOrigin: text("allowsOrigin"),
    body: undefined,
    hits: 0,
    lease: undefined,
    isProven: false,
  };
};
