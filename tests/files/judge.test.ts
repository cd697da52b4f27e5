// What Hapta objects to in a form, PocketBase refuses: every version, types by content, and generated forms over the
// options and modifiers of file fields.
import { describe, expect, test } from "bun:test";
import { couldBe, HEAD_BYTES } from "../../src/files/fileTypes.ts";
import { FormJudge, type Objection } from "../../src/files/formJudge.ts";
import { type Collection, toCollection } from "../../src/pocketbase/collection.ts";
import { drawPng } from "../support/fixture/png.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createRandom } from "../support/random.ts";

const TYPES = [
  ...["png", "jpeg", "gif", "webp", "bmp", "avif", "heic"].map((name) => `image/${name}`),
  ...["video/mp4", "audio/mp4", "video/webm", "audio/wav"],
  ...["application/pdf", "application/zip", "application/gzip", "text/html", "text/plain"],
];

const latin = (text: string): Buffer => Buffer.from(text, "latin1");
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"></svg>';

const SAMPLES: readonly Buffer[] = [
  Buffer.from(drawPng(4, 4)),
  latin("\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9"),
  latin("\xff\xd8\xff\xdb\0\x43"),
  latin("GIF89a\x01\0\x01\0\0\0\0;"),
  latin("GIF87a\x01\0\x01\0\0\0\0;"),
  latin("RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0"),
  latin("RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"),
  latin("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"),
  latin("\0\0\0\x1cftypavif\0\0\0\0avifmif1"),
  latin("\0\0\0\x18ftypheic\0\0\0\0heicmif1"),
  latin("\0\0\0\x18ftypmif1\0\0\0\0mif1heic"),
  latin("\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
  latin("\0\0\0\x18ftypisom\0\0\0\0isomavc1"),
  latin("\0\0\0\x18ftypM4A \0\0\0\0M4A mp42"),
  latin("\0\0\0\x18ftypF4A \0\0\0\0F4A mp42"),
  latin("\0\0\0\x14ftypqt  \0\0\0\0qt  "),
  latin(
    `\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm`,
  ),
  ...["", "\n", "\xef\xbb\xbf", `${"x".repeat(900)}\n`].map((before) =>
    latin(`${before}%PDF-1.7\n%\xe2\xe3\xcf\xd3`),
  ),
  latin("PK\x03\x04\x14\0\0\0\x08\0"),
  latin(`PK\x05\x06${"\0".repeat(18)}`),
  latin("PK\x07\x08\0\0"),
  latin("\x1f\x8b\x08\0\0\0\0\0\0\x03"),
  ...["", '<?xml version="1.0"?>\n', "\xef\xbb\xbf", "\n \t", "<!-- a note -->\n", "<!DOCTYPE svg>\n"].map(
    (before) => latin(before + SVG),
  ),
  latin(`<!-- ${"x".repeat(3_000)} -->${SVG}`),
  latin(`<!-- ${"x".repeat(4_000)} -->${SVG}`),
  latin(SVG.toUpperCase()),
  Buffer.from(`\ufeff${SVG}`, "utf16le"),
  latin("<html><body>hello</body></html>"),
  latin("  \n<!DOCTYPE html><html></html>"),
  latin("plain words"),
  latin("\x89PNX\r\n\x1a\n"),
  latin("GIF89a=1;alert(1)//"),
  latin("\0\x01\x02\x03"),
  Buffer.alloc(0),
];

const field = (name: string, options: Readonly<Record<string, unknown>>) => ({
  name,
  type: "file",
  maxSelect: 1,
  ...options,
});

/** Makes a collection that anybody may write to. */
const addCollection = async (
  pocketbase: PocketBase,
  name: string,
  fields: readonly unknown[],
): Promise<Collection> => {
  const rules = { listRule: "", viewRule: "", createRule: "", updateRule: "" };
  const answer = await fetch(`${pocketbase.url}/api/collections`, {
    method: "POST",
    headers: { Authorization: pocketbase.world.tokens.superuser, "Content-Type": "application/json" },
    body: JSON.stringify({ name, type: "base", ...rules, fields }),
  });
  expect(answer.status).toBe(200);
  return toCollection(await answer.json());
};

const dataOf = async (answer: Response): Promise<Readonly<Record<string, { readonly code: string }>>> => {
  const json: unknown = await answer.json();
  return answer.status === 400 ? Object(Reflect.get(Object(json), "data")) : {};
};

interface Part {
  readonly name: string;
  readonly file: Buffer;
}

const objectionTo = (collection: Collection, parts: readonly Part[]): Objection | undefined => {
  const judge = new FormJudge(collection, {
    judgesLimits: true,
    isStrict: false,
    pixelsMax: 0,
    isSuperuser: false,
  });
  for (const { name, file } of parts) {
    const found = judge.part({ name, filename: "a.bin" }) ?? judge.data(file);
    if (found !== undefined) return found;
  }
  return undefined;
};

const formOf = (parts: readonly Part[]): FormData => {
  const form = new FormData();
  for (const { name, file } of parts) form.append(name, new Blob([new Uint8Array(file)]), "a.bin");
  return form;
};

const CODES = ["validation_file_size_limit", "validation_invalid_mime_type", "validation_too_many_files"];

const FIELDS = [
  field("one", { mimeTypes: ["image/png"] }),
  field("small", { maxSize: 100 }),
  field("any", { maxSelect: 2 }),
  field("few", {
    maxSelect: 3,
    maxSize: 2_000,
    mimeTypes: ["image/png", "application/pdf"],
    thumbs: ["10x10"],
  }),
  field("drawn", { maxSelect: 2, mimeTypes: ["image/webp", "image/gif"] }),
  field("odd", { mimeTypes: ["image/x-nobody-knows", "image/png"] }),
  field("hidden", { maxSize: 1, hidden: true }),
];

const randomForm = (random: () => number): Part[] => {
  const pick = <T>(list: readonly T[], otherwise: T): T =>
    list[Math.floor(random() * list.length)] ?? otherwise;
  const parts: Part[] = [];
  const count = 1 + Math.floor(random() * 5);
  for (let i = 0; i < count; i++) {
    const base =
      random() < 0.4
        ? "any"
        : pick(
            FIELDS.map(({ name }) => name),
            "any",
          );
    const name = pick([base, base, `${base}+`, `+${base}`, `${base}-`, `+${base}+`], base);
    const isFirst = parts.every((part) => !part.name.includes(base));
    // Of several files for one place PocketBase takes the last: a difference of its own.
    if (!isFirst && FIELDS.some((one) => one.name === base && one.maxSelect === 1)) continue;
    const file = random() < 0.2 ? Buffer.alloc(2_500, "x") : pick(SAMPLES, Buffer.alloc(0));
    parts.push({ name, file });
  }
  return parts;
};

describe.each(["0.36", "0.39", "0.40"] as const)("PocketBase %s", (version) => {
  test("refuses each type for which a file has not the marks", async () => {
    await using pocketbase = await startPocketBase({ version });
    const fields = TYPES.map((type, i) => field(`f${i}`, { mimeTypes: [type] }));
    await addCollection(pocketbase, "types", fields);
    const accepted = new Set<string>();
    let refused = 0;
    for (const file of SAMPLES) {
      const parts = TYPES.map((_, i) => ({ name: `f${i}`, file }));
      const init = { method: "POST", body: formOf(parts) };
      const data = await dataOf(await fetch(`${pocketbase.url}/api/collections/types/records`, init));
      const shown = file.toString("latin1", 0, 40);
      for (const [i, type] of TYPES.entries()) {
        if (data[`f${i}`] === undefined) accepted.add(type);
        if (couldBe(type, file.subarray(0, HEAD_BYTES))) continue;
        expect([shown, type, data[`f${i}`]?.code]).toEqual([shown, type, "validation_invalid_mime_type"]);
        refused += 1;
      }
    }
    expect([...accepted].sort()).toEqual([...TYPES].sort());
    expect(refused).toBeGreaterThan(300);
  }, 60_000);

  test("refuses every form that is objected to, new records and changes", async () => {
    await using pocketbase = await startPocketBase({ version });
    const collection = await addCollection(pocketbase, "things", FIELDS);
    const random = createRandom(36);
    const url = `${pocketbase.url}/api/collections/things/records`;
    const made: unknown = await (
      await fetch(url, { method: "POST", body: formOf([{ name: "any", file: Buffer.from("x") }]) })
    ).json();
    const codes = new Map<string, number>();
    for (let i = 0; i < 250; i++) {
      const parts = randomForm(random);
      const objection = objectionTo(collection, parts);
      const isChange = random() < 0.5;
      const target = isChange ? `${url}/${String(Reflect.get(Object(made), "id"))}` : url;
      const answer = await fetch(target, { method: isChange ? "PATCH" : "POST", body: formOf(parts) });
      const found = (await dataOf(answer))[objection?.field ?? ""]?.code;
      if (objection === undefined) continue;
      const told = JSON.stringify(parts.map(({ name, file }) => [name, file.length]));
      expect(`${answer.status} ${told}`).toBe(`400 ${told}`);
      // Of several files for one field PocketBase may name another, or that there are too many.
      const isAlone = parts.filter(({ name }) => name.includes(objection.field)).length === 1;
      expect(isAlone ? [objection.error.code] : CODES).toContain(found ?? "");
      codes.set(objection.error.code, (codes.get(objection.error.code) ?? 0) + 1);
    }
    expect([...codes.keys()].sort()).toEqual(CODES);
  }, 60_000);
});
