// Kept files: what is stored, what makes room, what survives a restart, and what is never served.
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../tests/support/eventually.ts";
import { createScratch } from "../../tests/support/scratch.ts";
import { type Answer, type BodySource, isStreamed } from "../http/answer.ts";
import { FileCache } from "./fileCache.ts";
import { gatherBytes } from "./gatherBytes.ts";

const bytesOf = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * seed) & 255);

const sourceOf = (bytes: Uint8Array, isBroken = false): BodySource => ({
  start: (sink) => {
    for (let at = 0; at < bytes.length; at += 65_536) sink.data(Buffer.from(bytes.subarray(at, at + 65_536)));
    if (isBroken) sink.fail(new Error("cut"));
    else sink.end();
  },
  resume: () => undefined,
  cancel: () => undefined,
});

const answer = (bytes: Uint8Array, more: readonly string[] = []): Answer => ({
  status: 200,
  headers: ["Content-Length", String(bytes.length), "Last-Modified", "x", ...more],
  body: sourceOf(bytes),
});

const open = async (dir: string, bytesMax = 64 * 1024 * 1024) => {
  const cache = new FileCache({ dir, bytesMax, warn: () => undefined });
  await cache.ready;
  const fill = async (key: string, reply: Answer, lease = { holds: () => true }) => {
    const landed = await cache.fill({ key, lease, ask: async () => reply, keeps: () => true }).fill;
    if (landed.kind === "flows" && landed.answer.body !== null && isStreamed(landed.answer.body))
      await gatherBytes(landed.answer.body, Number(reply.headers[1])).catch(() => undefined);
    return landed.kind;
  };
  const read = async (key: string): Promise<Uint8Array | undefined> => {
    const entry = cache.find(key);
    const body = entry === undefined ? undefined : cache.read(entry, 0, entry.length);
    if (body === undefined || body === null) return undefined;
    return isStreamed(body) ? await gatherBytes(body, entry?.length ?? 0) : body;
  };
  return { cache, fill, read };
};

const kept = (dir: string): string[] => readdirSync(dir).filter((name) => name.endsWith(".file"));
const LARGE = 3 * 1024 * 1024;

describe("FileCache", () => {
  test("FileCache keeps small and large files, also over a restart", async () => {
    using scratch = createScratch("files");
    const first = await open(scratch.path);
    expect(await first.fill("small", answer(bytesOf(1000, 3)))).toBe("kept");
    expect(await first.fill("large", answer(bytesOf(LARGE, 5)))).toBe("flows");
    await eventually(() => kept(scratch.path).length === 2, 5_000);
    await eventually(() => first.cache.find("large") !== undefined, 5_000);
    for (const { read } of [first, await open(scratch.path)]) {
      expect(await read("small")).toEqual(bytesOf(1000, 3));
      expect(Buffer.compare(Buffer.from((await read("large")) ?? []), Buffer.from(bytesOf(LARGE, 5)))).toBe(
        0,
      );
    }
  });

  test("FileCache has no lease on what it finds after a restart, and proves it before use", async () => {
    using scratch = createScratch("files");
    await (await open(scratch.path)).fill("a", answer(bytesOf(5000)));
    await eventually(() => kept(scratch.path).length === 1, 5_000);
    const path = join(scratch.path, kept(scratch.path)[0] ?? "");
    const again = await open(scratch.path);
    const entry = again.cache.find("a");
    expect([entry?.lease, entry?.isProven]).toEqual([undefined, false]);
    expect(entry !== undefined && (await again.cache.prove(entry))).toBe(true);
    const bytes = readFileSync(path);
    bytes[100] = 7;
    writeFileSync(path, bytes);
    const broken = await open(scratch.path);
    const found = broken.cache.find("a");
    expect(found !== undefined && (await broken.cache.prove(found))).toBe(false);
    expect(broken.cache.find("a")).toBeUndefined();
  });

  test("FileCache deletes what was written half", async () => {
    using scratch = createScratch("files");
    writeFileSync(join(scratch.path, "old.part"), "half");
    writeFileSync(join(scratch.path, "x.file"), "not one of ours");
    await open(scratch.path);
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  test("FileCache keeps nothing that was overtaken, broke off or is personal", async () => {
    using scratch = createScratch("files");
    const { cache, fill } = await open(scratch.path);
    let holds = true;
    const lease = { holds: () => holds };
    const overtaken = cache.fill({
      key: "overtaken",
      lease,
      keeps: () => true,
      ask: async () => {
        holds = false;
        return answer(bytesOf(10));
      },
    });
    expect((await overtaken.fill).kind).toBe("kept");
    await fill("broken", { ...answer(bytesOf(LARGE)), body: sourceOf(bytesOf(LARGE), true) });
    await fill("cookie", answer(bytesOf(10), ["Set-Cookie", "a=b"]));
    await fill("private", answer(bytesOf(10), ["Cache-Control", "private"]));
    await fill("missing", { ...answer(bytesOf(10)), status: 404 });
    for (const key of ["overtaken", "broken", "cookie", "private", "missing"])
      expect(cache.find(key)).toBeUndefined();
    await eventually(() => readdirSync(scratch.path).length === 0, 5_000);
  });

  test("FileCache makes room for new files", async () => {
    using scratch = createScratch("files");
    const { cache, fill } = await open(scratch.path, 40_000);
    for (let i = 0; i < 10; i++) {
      const before = kept(scratch.path);
      await fill(`f${i}`, answer(bytesOf(4_000)));
      await eventually(() => kept(scratch.path).some((name) => !before.includes(name)), 5_000);
    }
    await eventually(() => cache.find("f9") !== undefined && kept(scratch.path).length <= 5, 5_000);
    expect([cache.find("f0"), cache.find("f9")?.length]).toEqual([undefined, 4_000]);
  });

  test("FileCache keeps what is read again and again, from memory, too", async () => {
    using scratch = createScratch("files");
    // Room for some twenty on disk, and for ten in memory.
    const { cache, fill, read } = await open(scratch.path, 120_000);
    await fill("hot", answer(bytesOf(1_000)));
    await eventually(() => kept(scratch.path).length === 1, 5_000);
    for (let i = 0; i < 40; i++) {
      const before = kept(scratch.path);
      await fill(`f${i}`, answer(bytesOf(1_000)));
      await eventually(() => kept(scratch.path).some((name) => !before.includes(name)), 5_000);
      for (let times = 0; times < 8; times++) await read("hot");
    }
    expect([cache.find("f0"), cache.find("hot")?.body?.length]).toEqual([undefined, 1_000]);
  });

  test("FileCache asks once for all who want the same", async () => {
    using scratch = createScratch("files");
    const { cache } = await open(scratch.path);
    let asked = 0;
    const ask = async (): Promise<Answer> => {
      asked += 1;
      return answer(bytesOf(10));
    };
    const lease = { holds: () => true };
    const all = Array.from({ length: 20 }, () => cache.fill({ key: "a", lease, ask, keeps: () => true }));
    expect(new Set((await Promise.all(all.map(({ fill }) => fill))).map(({ kind }) => kind))).toEqual(
      new Set(["kept"]),
    );
    expect([asked, all.filter(({ isOwn }) => isOwn).length]).toEqual([1, 1]);
  });

  /** A fill of a large file whose bytes come when `flow` is called. */
  const begin = async (cache: FileCache, key: string) => {
    let end = (): void => undefined;
    const held: BodySource = {
      start: (sink) => {
        end = () => sourceOf(bytesOf(LARGE)).start(sink);
      },
      resume: () => undefined,
      cancel: () => undefined,
    };
    const ask = async (): Promise<Answer> => ({ ...answer(bytesOf(LARGE)), body: held });
    const landed = await cache.fill({ key, lease: { holds: () => true }, ask, keeps: () => true }).fill;
    const body = landed.kind === "flows" ? landed.answer.body : null;
    if (body === null || !isStreamed(body)) throw new Error("it does not flow");
    const whole = gatherBytes(body, LARGE);
    return async (): Promise<number> => {
      end();
      return (await whole).length;
    };
  };
  const parts = (dir: string): number => readdirSync(dir).filter((name) => name.endsWith(".part")).length;

  test("FileCache writes a large file once, however many download it at a time", async () => {
    using scratch = createScratch("files");
    const { cache } = await open(scratch.path);
    const flows = [await begin(cache, "a"), await begin(cache, "a"), await begin(cache, "a")];
    expect(parts(scratch.path)).toBe(1);
    expect(await Promise.all(flows.map((flow) => flow()))).toEqual([LARGE, LARGE, LARGE]);
    await eventually(() => cache.find("a") !== undefined, 5_000);
    expect([kept(scratch.path).length, parts(scratch.path)]).toEqual([1, 0]);
  });

  test("FileCache keeps to its bound while files are being written", async () => {
    using scratch = createScratch("files");
    const { cache, fill } = await open(scratch.path, 8 * 1024 * 1024);
    for (const key of ["old", "newer"]) {
      await fill(key, answer(bytesOf(LARGE)));
      await eventually(() => cache.find(key) !== undefined, 5_000);
    }
    const first = await begin(cache, "a");
    await eventually(() => kept(scratch.path).length === 1, 5_000);
    expect([cache.find("old"), cache.find("newer")?.length]).toEqual([undefined, LARGE]);
    // Half of the bound may be underway: the other half is worth more than what may break off.
    const second = await begin(cache, "b");
    expect(parts(scratch.path)).toBe(1);
    expect([await first(), await second()]).toEqual([LARGE, LARGE]);
    await eventually(() => cache.find("a") !== undefined, 5_000);
    expect([cache.find("b"), parts(scratch.path)]).toEqual([undefined, 0]);
  });

  test("FileCache forgets a file that somebody has taken from the disk", async () => {
    using scratch = createScratch("files");
    const { cache, fill, read } = await open(scratch.path);
    await fill("a", answer(bytesOf(LARGE)));
    await eventually(() => cache.find("a") !== undefined, 5_000);
    const path = join(scratch.path, kept(scratch.path)[0] ?? "");
    unlinkSync(path);
    expect(await read("a").then(String, () => "broke off")).toBe("broke off");
    expect([cache.find("a"), cache.room.bytes]).toEqual([undefined, 0]);
    // Something is in its way now: what cannot be finished leaves nothing.
    mkdirSync(path);
    await fill("a", answer(bytesOf(LARGE)));
    await eventually(() => parts(scratch.path) === 0, 5_000);
    expect(cache.find("a")).toBeUndefined();
  });
});
