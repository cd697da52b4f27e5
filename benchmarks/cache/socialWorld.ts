// The app that the social workload runs on: people, their profiles, posts with comments and likes, and notices that only
// their owner may read. Written past the API: a thousand passwords would take longer to hash than the benchmark runs.
import { ask, loginSuperuser } from "../support/upstream.ts";

export const PEOPLE = 1_000;
export const POSTS = 100;
/** Notices of each person. */
const NOTICES = 10;

/** Ids of 15 characters, as PocketBase's. */
export const personId = (n: number): string => `person${String(n).padStart(9, "0")}`;
export const profileId = (n: number): string => `profile${String(n).padStart(8, "0")}`;
export const postId = (n: number): string => `post${String(n).padStart(11, "0")}`;
/** Who wrote a post. */
export const authorOf = (post: number): number => (post * 37) % PEOPLE;

const relation = (name: string, collectionId: string) => ({
  name,
  type: "relation",
  collectionId,
  maxSelect: 1,
});
const text = { name: "text", type: "text" };
const number = (name: string) => ({ name, type: "number" });
/** As the dashboard proposes them for every collection. */
const times = [
  { name: "created", type: "autodate", onCreate: true },
  { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
];
const SIGNED_IN = '@request.auth.id != ""';
const OWN = "person = @request.auth.id";
const open = { listRule: "", viewRule: "", createRule: SIGNED_IN, updateRule: SIGNED_IN };
const index = (name: string, field: string): string[] => [`CREATE INDEX idx_${name} ON ${name} (${field})`];

const COLLECTIONS = [
  { id: "pbc_people00001", name: "people", type: "auth", createRule: "" },
  { id: "pbc_profiles001", name: "profiles", type: "base", ...open, fields: [text, ...times] },
  {
    id: "pbc_posts000001",
    name: "posts",
    type: "base",
    ...open,
    fields: [text, number("n"), number("rev"), relation("author", "pbc_profiles001"), ...times],
    indexes: index("posts", "n"),
  },
  {
    id: "pbc_comments001",
    name: "comments",
    type: "base",
    ...open,
    fields: [text, relation("post", "pbc_posts000001"), relation("author", "pbc_profiles001"), ...times],
    indexes: index("comments", "post"),
  },
  {
    id: "pbc_likes000001",
    name: "likes",
    type: "base",
    ...open,
    fields: [relation("post", "pbc_posts000001"), relation("person", "pbc_people00001"), ...times],
    indexes: index("likes", "post"),
  },
  {
    id: "pbc_notices0001",
    name: "notices",
    type: "base",
    listRule: OWN,
    viewRule: OWN,
    updateRule: OWN,
    fields: [text, number("rev"), relation("person", "pbc_people00001"), ...times],
    indexes: index("notices", "person"),
  },
];

const numbers = (count: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${count})`;
const id = (start: string, digits: number, value = "i"): string => `printf('${start}%0${digits}d', ${value})`;

const ROWS = [
  `${numbers(PEOPLE)} INSERT INTO people (id, email, password, tokenKey, verified)
     SELECT ${id("person", 9)}, 'p' || i || '@example.com', 'x', hex(randomblob(25)), 1 FROM n`,
  `${numbers(PEOPLE)} INSERT INTO profiles (id, text) SELECT ${id("profile", 8)}, 'Somebody ' || i FROM n`,
  `${numbers(POSTS)} INSERT INTO posts (id, text, n, rev, author)
     SELECT ${id("post", 11)}, 'A post of some words. ' || hex(zeroblob(100)), i, 0,
            ${id("profile", 8, `(i * 37) % ${PEOPLE}`)} FROM n`,
  `${numbers(PEOPLE * NOTICES)} INSERT INTO notices (id, text, rev, person)
     SELECT ${id("notice", 9)}, 'Somebody liked it', 0, ${id("person", 9, `i / ${NOTICES}`)} FROM n`,
];

/** Makes the collections and their records at PocketBase. */
export const loadSocial = async (url: string): Promise<void> => {
  const token = await loginSuperuser(url);
  for (const body of COLLECTIONS) await ask(url, "POST /api/collections", { token, body });
  for (const query of ROWS) await ask(url, "POST /api/sql", { token, body: { query } });
};

/** The first notice of a person. */
export const noticeOf = (person: number): string => `notice${String(person * NOTICES).padStart(9, "0")}`;
