// The two lists that are kept and asked for: the front page of an app, and the cheapest list there can be. Written past the
// API: 10,000 requests would take longer than the benchmark.
import { ask, type BenchUpstream, loginSuperuser } from "../support/upstream.ts";

const AUTHORS = 200;
const POSTS = 10_000;
const MEMBER_PASSWORD = "correct horse 1";

/** Who reads with a session. */
export const MEMBER = { identity: "member@example.com", password: MEMBER_PASSWORD };

/** What the SDK asks for `getList(1, 30, { sort: "-created", expand: "author" })`. */
export const APP_LIST = "/api/collections/benchPosts/records?page=1&perPage=30&sort=-created&expand=author";
/** 30 records with one text, which are the whole collection: nothing to count, to join or to leave out. */
export const SMALLEST_LIST = "/api/collections/benchList/records?sort=id";

/** About what an app shows at once; in bytes. */
const APP_LIST_BYTES = { min: 13_000, max: 15_000 };

const text = (name: string) => ({ name, type: "text" });
/** As the dashboard proposes them for every collection. */
const times = [
  { name: "created", type: "autodate", onCreate: true },
  { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
];
const open = { listRule: "", viewRule: "" };

const COLLECTIONS = [
  { id: "pbc_benchmembr1", name: "benchMembers", type: "auth", ...open, fields: [text("name")] },
  {
    id: "pbc_benchposts1",
    name: "benchPosts",
    type: "base",
    listRule: "published = true",
    viewRule: "published = true",
    fields: [
      text("title"),
      text("summary"),
      { name: "published", type: "bool" },
      { name: "author", type: "relation", collectionId: "pbc_benchmembr1", maxSelect: 1 },
      ...times,
    ],
    indexes: ["CREATE INDEX idx_benchPosts_created ON benchPosts (created)"],
  },
  { id: "pbc_benchlist01", name: "benchList", type: "base", ...open, fields: [text("text")] },
];

const numbers = (count: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${count})`;
const moment = `strftime('%Y-%m-%d %H:%M:%fZ', '2026-01-01', i || ' minutes')`;
const SUMMARY = "What is in this post, in a few words ...";

const ROWS = [
  `${numbers(AUTHORS)} INSERT INTO benchMembers (id, email, password, tokenKey, verified, name)
     SELECT printf('author%09d', i), 'a' || i || '@example.com', 'x', hex(randomblob(25)), 1, 'Author No. ' || i FROM n`,
  // One in ten is a draft.
  `${numbers(POSTS)} INSERT INTO benchPosts (id, title, summary, published, author, created, updated)
     SELECT printf('post%011d', i), 'The title of post No. ' || i, '${SUMMARY}', i % 10 > 0,
            printf('author%09d', (i * 37) % ${AUTHORS}), ${moment}, ${moment} FROM n`,
  `${numbers(30)} INSERT INTO benchList (id, text) SELECT printf('row%012d', i), '${"x".repeat(340)}' FROM n`,
];

/** What PocketBase answers for each, in bytes. */
export interface ListSizes {
  readonly app: number;
  readonly smallest: number;
}

/** Loads both lists, and the member who reads them. @throws Error when the app's list has got another size. */
export const loadLists = async ({ url }: BenchUpstream): Promise<ListSizes> => {
  const token = await loginSuperuser(url);
  for (const body of COLLECTIONS) await ask(url, "POST /api/collections", { token, body });
  for (const query of ROWS) await ask(url, "POST /api/sql", { token, body: { query } });
  const member = { email: MEMBER.identity, password: MEMBER_PASSWORD, passwordConfirm: MEMBER_PASSWORD };
  await ask(url, "POST /api/collections/benchMembers/records", { token, body: member });
  const sizes = { app: await sizeOf(url + APP_LIST), smallest: await sizeOf(url + SMALLEST_LIST) };
  if (sizes.app < APP_LIST_BYTES.min || sizes.app > APP_LIST_BYTES.max)
    throw new Error(`the app's list has ${sizes.app} bytes`);
  return sizes;
};

const sizeOf = async (url: string): Promise<number> => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return (await response.arrayBuffer()).byteLength;
};
