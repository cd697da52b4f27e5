// The PocketBase every target of a benchmark stands in front of: one record to read, a large file to fetch,
// a route that swallows uploads. Its data live outside the system's temporary folder and go away with it.
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Child, startChild, waitUntilServing } from "../../tests/support/childProcess.ts";
import { SUPERUSER } from "../../tests/support/fixture/load.ts";
import { binaryOf } from "../../tests/support/pocketbase.ts";
import { freePort } from "../../tests/support/scratch.ts";

const START_MS = 20_000;

/** Sizes of the files it serves under their names, in bytes. */
export const FILES = { "small.bin": 8_000_000, "large.bin": 1_000_000_000 } as const;

export interface BenchUpstream extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly binary: string;
  /** Scratch folder that other parts of the run may use. */
  readonly dir: string;
  /** Folder of {@link FILES}. */
  readonly filesDir: string;
  /** Path of a record anybody may read. */
  readonly recordPath: string;
}

/** Starts PocketBase 0.39 with the benchmark's data in `$HAPTA_BENCH_DIR` or `~/.cache/hapta-bench`. */
export const startUpstream = async (): Promise<BenchUpstream> => {
  const parent = process.env["HAPTA_BENCH_DIR"] ?? join(homedir(), ".cache", "hapta-bench");
  mkdirSync(parent, { recursive: true });
  const dir = mkdtempSync(join(parent, "run-"));
  const removeDir = (): void => rmSync(dir, { recursive: true, force: true });
  process.on("exit", removeDir);
  const filesDir = join(dir, "pb_public");
  mkdirSync(filesDir);
  for (const [name, bytes] of Object.entries(FILES)) {
    writeFileSync(join(filesDir, name), "");
    truncateSync(join(filesDir, name), bytes);
  }
  const binary = binaryOf("0.39");
  const dataFlags = ["--dir", join(dir, "pb_data"), "--dev=false"];
  const upsert = startChild({
    command: [binary, "superuser", "upsert", SUPERUSER.email, SUPERUSER.password, ...dataFlags],
    cwd: dir,
  });
  if ((await upsert.exited) !== 0) throw new Error(`superuser upsert failed: ${upsert.output()}`);
  const url = `http://127.0.0.1:${await freePort()}`;
  const folders = [
    "--publicDir",
    filesDir,
    "--hooksDir",
    join(import.meta.dir, "hooks"),
    "--hooksWatch=false",
  ];
  const address = ["--http", new URL(url).host];
  const child = startChild({ command: [binary, "serve", ...address, ...dataFlags, ...folders], cwd: dir });
  await waitUntilServing(child, `${url}/api/health`, START_MS);
  const recordPath = await loadData(url);
  return {
    url,
    pid: child.pid,
    binary,
    dir,
    filesDir,
    recordPath,
    [Symbol.asyncDispose]: () => stop(child, removeDir),
  };
};

const stop = async (child: Child, removeDir: () => void): Promise<void> => {
  await child[Symbol.asyncDispose]();
  process.off("exit", removeDir);
  removeDir();
};

/** One public collection with one record of a usual size. @returns the path of the record. */
const loadData = async (url: string): Promise<string> => {
  const asSuperuser = { token: await loginSuperuser(url) };
  // No request log: its batched writes would land in some rounds and not in others.
  await ask(url, "PATCH /api/settings", {
    ...asSuperuser,
    body: { logs: { maxDays: 0 }, trustedProxy: { headers: ["X-Forwarded-For"], useLeftmostIP: false } },
  });
  const fields = [
    { name: "title", type: "text" },
    { name: "body", type: "text" },
    { name: "created", type: "autodate", onCreate: true },
  ];
  const collection = { name: "articles", type: "base", viewRule: "", listRule: "", fields };
  await ask(url, "POST /api/collections", { ...asSuperuser, body: collection });
  const article = { title: "A record of a usual size", body: "Some words of text. ".repeat(15) };
  const record = await ask(url, "POST /api/collections/articles/records", { ...asSuperuser, body: article });
  return `/api/collections/articles/records/${String(record["id"])}`;
};

/** A superuser's token, by PocketBase or by Hapta in front of it. */
export const loginSuperuser = async (url: string): Promise<string> => {
  const login = { identity: SUPERUSER.email, password: SUPERUSER.password };
  const { token } = await ask(url, "POST /api/collections/_superusers/auth-with-password", { body: login });
  return String(token);
};

/** What is sent with a question: whose, and a body as JSON. */
interface Question {
  readonly token?: string;
  readonly body?: unknown;
}

/**
 * Asks PocketBase, or Hapta in front of it.
 *
 * @param what - Such as `POST /api/collections`.
 * @returns The answer's JSON object; empty for an empty answer. @throws Error for everything but a 2xx.
 */
export const ask = async (
  url: string,
  what: string,
  { token, body }: Question,
): Promise<Record<string, unknown>> => {
  const [method = "", path = ""] = what.split(" ");
  const response = await fetch(url + path, {
    method,
    headers: { "Content-Type": "application/json", ...(token === undefined ? {} : { Authorization: token }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${what}: ${response.status} ${text}`);
  return (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
};
