// Writes the demo into an embedded PocketBase that holds nothing of the user's, once. Can be interrupted
// at any moment: every record has a fixed id, so the next start goes on without making doubles.
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../insight/log.ts";
import { BootError, codeOf, toBootError } from "../bootError.ts";
import { field, type SuperuserAnswer, type SuperuserClient } from "../superuser.ts";
import { DEMO_COLLECTIONS, USERS_CHANGES } from "./collections.ts";
import { DEMO_PASSWORD, PEOPLE } from "./people.ts";
import { avatarSvg, landscapePng } from "./pictures.ts";
import { type DemoTable, demoId, demoTables } from "./records.ts";

/** One login that the start banner shows. */
export type DemoLogin = { readonly email: string; readonly password: string; readonly role: string };

/** Logins to try: an editor, who reads everybody's drafts, and a member. */
export const DEMO_LOGINS: readonly DemoLogin[] = PEOPLE.slice(0, 2).map(({ email, role }) => ({
  email,
  role,
  password: DEMO_PASSWORD,
}));

/** A list that a guest may read: the newest published posts with their authors. */
export const DEMO_LIST_PATH = "/api/collections/posts/records?sort=-publishedAt&perPage=5&expand=author";

/** What seeding needs. */
export type SeedOptions = {
  /** Session of the embedded PocketBase, whose settings allow batch requests. */
  readonly client: SuperuserClient;
  /** Holds the marker `seeded.json`. */
  readonly dataDir: string;
  readonly log: Log;
};

/**
 * - `seeded`: written now, or finished after an interruption.
 * - `present`: an earlier start has done it.
 * - `skipped`: PocketBase holds collections or users of the user's own.
 */
export type SeedOutcome = "seeded" | "present" | "skipped";

// PocketBase takes 50 requests in a batch and gives it 3 s; a user costs it some 100 ms (bcrypt).
const BATCH_MAX = 50;
const USERS_BATCH_MAX = 5;

/**
 * Seeds the demo when it should. About 700 small records and six files; some two seconds.
 *
 * @throws BootError when PocketBase refuses a part; SuperuserError when it does not answer.
 */
export async function seedDemo(options: SeedOptions): Promise<SeedOutcome> {
  const marker = join(options.dataDir, "seeded.json");
  const state = await readMarker(marker);
  if (state === "done") return "present";
  if (state === undefined) {
    if (!(await isUntouched(options.client))) return "skipped";
    await writeMarker(marker, "begun");
  }
  options.log("info", "Seeding the demo app.");
  await extendUsers(options.client);
  for (const schema of DEMO_COLLECTIONS) await makeCollection(options.client, schema);
  for (const table of demoTables()) await writeTable(options.client, table);
  await writeFiles(options.client);
  await writeMarker(marker, "done");
  return "seeded";
}

async function isUntouched(client: SuperuserClient): Promise<boolean> {
  const list = await client.request("GET", "/api/collections?perPage=200&fields=name,system");
  const own = items(list, "list the collections").filter(
    (collection) => field(collection, "system") !== true,
  );
  if (own.some((collection) => field(collection, "name") !== "users")) return false;
  if (own.length === 0) return false;
  const users = await client.request("GET", "/api/collections/users/records?perPage=1&fields=id");
  return items(users, "list the users").length === 0;
}

async function extendUsers(client: SuperuserClient): Promise<void> {
  const users = await client.request("GET", "/api/collections/users");
  const fields = field(expectOk(users, "read the users collection"), "fields");
  const present = Array.isArray(fields) ? fields : [];
  const names = new Set(present.map((one) => field(one, "name")));
  const added = USERS_CHANGES.fields.filter((one) => !names.has(one.name));
  const changes = { ...USERS_CHANGES, fields: [...present, ...added] };
  expectOk(await client.request("PATCH", "/api/collections/users", changes), "change the users collection");
}

async function makeCollection(
  client: SuperuserClient,
  schema: (typeof DEMO_COLLECTIONS)[number],
): Promise<void> {
  const found = await client.request("GET", `/api/collections/${schema.id}?fields=id`);
  if (found.status === 200) return;
  expectOk(await client.request("POST", "/api/collections", schema), `make the collection ${schema.name}`);
}

async function writeTable(client: SuperuserClient, table: DemoTable): Promise<void> {
  const size = table.collection === "users" ? USERS_BATCH_MAX : BATCH_MAX;
  const url = `/api/collections/${table.collection}/records`;
  const present = await client.request("GET", `${url}?perPage=1000&skipTotal=1&fields=id`);
  const ids = new Set(items(present, `list ${table.collection}`).map((record) => field(record, "id")));
  const missing = table.records.filter((record) => !ids.has(record.id));
  for (let start = 0; start < missing.length; start += size)
    await writeBatch(client, url, missing.slice(start, start + size));
}

// A machine that is busy or slow does not finish a batch in PocketBase's time, and then nothing of it is written.
async function writeBatch(
  client: SuperuserClient,
  url: string,
  records: DemoTable["records"],
): Promise<void> {
  const [first] = records;
  if (first === undefined) return;
  if (records.length === 1) {
    expectOk(await client.request("POST", url, first), `write ${url}`);
    return;
  }
  const requests = records.map((body) => ({ method: "POST", url, body }));
  const answer = await client.request("POST", "/api/batch", { requests });
  if (answer.status !== 400) {
    expectOk(answer, `write ${url}`);
    return;
  }
  const half = Math.ceil(records.length / 2);
  await writeBatch(client, url, records.slice(0, half));
  await writeBatch(client, url, records.slice(half));
}

async function writeFiles(client: SuperuserClient): Promise<void> {
  for (const index of [0, 1, 2]) {
    const name = PEOPLE[index]?.name ?? "";
    const avatar = new File([avatarSvg(name, index * 110 + 20)], "avatar.svg", { type: "image/svg+xml" });
    await attach(client, { collection: "users", id: demoId("user", index), name: "avatar", file: avatar });
  }
  for (const index of [0, 1]) {
    const image = new File([landscapePng(index)], "landscape.png", { type: "image/png" });
    await attach(client, { collection: "posts", id: demoId("post", index), name: "image", file: image });
  }
  const note = new File(["Only the owner of this bookmark can read this.\n"], "note.txt", {
    type: "text/plain",
  });
  await attach(client, { collection: "bookmarks", id: demoId("book", 0), name: "attachment", file: note });
}

type Attachment = {
  readonly collection: string;
  readonly id: string;
  readonly name: string;
  readonly file: File;
};

async function attach(client: SuperuserClient, attachment: Attachment): Promise<void> {
  const { collection, id, name, file } = attachment;
  const path = `/api/collections/${collection}/records/${id}`;
  const record = expectOk(await client.request("GET", path), `read ${collection}/${id}`);
  if (field(record, name) !== "") return;
  const form = new FormData();
  form.set(name, file);
  expectOk(await client.request("PATCH", path, form), `attach a file to ${collection}/${id}`);
}

function expectOk(answer: SuperuserAnswer, action: string): unknown {
  if (answer.status === 200) return answer.json;
  throw new BootError(
    `The demo could not be seeded: PocketBase refused to ${action} (status ${answer.status}: ` +
      `${String(field(answer.json, "message") ?? "no message")}).`,
    { cause: answer.json },
  );
}

function items(answer: SuperuserAnswer, action: string): readonly unknown[] {
  const list = field(expectOk(answer, action), "items");
  return Array.isArray(list) ? list : [];
}

async function readMarker(path: string): Promise<"begun" | "done" | undefined> {
  try {
    const state = field(JSON.parse(await readFile(path, "utf8")), "state");
    return state === "begun" ? "begun" : "done";
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    // A damaged marker says at least that a start came this far: seed no second time.
    if (error instanceof SyntaxError) return "done";
    throw toBootError(`Cannot read ${path}`, error);
  }
}

async function writeMarker(path: string, state: "begun" | "done"): Promise<void> {
  const part = `${path}.part`;
  try {
    const file = await open(part, "w", 0o600);
    await file.writeFile(`${JSON.stringify({ state })}\n`).finally(() => file.close());
    await rename(part, path);
  } catch (error) {
    throw toBootError(`Cannot write ${path}`, error);
  }
}
