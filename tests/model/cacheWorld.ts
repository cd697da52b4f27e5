// The app of the cache's model suite: five collections that refer to each other, the rules each may have, and the few
// URLs that everybody reads. Sends nothing.
import { createRandom } from "../support/random.ts";

/** Draws from a seed: the same row of draws for the same seed. */
export const createDraw = (seed: number) => {
  const next = createRandom(seed);
  const below = (n: number): number => Math.floor(next() * n);
  const pick = <T>(list: readonly T[]): T => {
    const one = list[below(list.length)];
    if (one === undefined) throw new Error("nothing to pick from");
    return one;
  };
  const shuffled = <T>(list: readonly T[]): readonly T[] => {
    const left = [...list];
    return list.flatMap(() => left.splice(below(left.length), 1));
  };
  return { below, chance: (share: number): boolean => next() < share, pick, shuffled };
};
export type Draw = ReturnType<typeof createDraw>;

type Json = Readonly<Record<string, unknown>>;

/** Rules of each collection that a run draws from; null locks it. */
export const RULES: Readonly<Record<string, readonly (string | null)[]>> = {
  people: [
    "",
    '@request.auth.id != ""',
    "id = @request.auth.id",
    "team = @request.auth.team",
    'role = "admin" || @request.auth.role = "admin"',
  ],
  teams: ["", "members.id ?= @request.auth.id", '@request.auth.id != ""', "docs_via_team.open ?= true"],
  docs: [
    "",
    "open = true",
    "owner = @request.auth.id || open = true",
    '@request.auth.id != ""',
    '@request.auth.collectionName = "people" && open = true',
    '@request.auth.role = "admin"',
    "team.members.id ?= @request.auth.id",
    '@collection.teams.name ?= "alpha"',
    "notes_via_doc.author ?= @request.auth.id",
    "owner = @request.auth.id",
    "kind = 'a' && (open = true || n > 3)",
    '@request.auth.team.name = "alpha"',
    "@request.query.share = title || open = true",
    '@request.headers.x_key = "k" || open = true',
    "due > @now || open = true",
    null,
  ],
  notes: [
    "",
    "author = @request.auth.id",
    "doc.open = true",
    '@request.auth.id != "" || text ~ "a"',
    '@collection.people.role ?= "admin"',
  ],
  stats: ["", '@request.auth.id != ""', "notes > 0"],
};
const MANAGE_RULES = [null, '@request.auth.role = "admin"', "id = @request.auth.id"];

/** Ids of every record that a run knows; each exists or not. */
export const IDS = {
  people: ["personaaaaaaaa0", "personaaaaaaaa1", "personaaaaaaaa2"],
  teams: ["teamaaaaaaaaaa0", "teamaaaaaaaaaa1"],
  docs: ["docaaaaaaaaaaa0", "docaaaaaaaaaaa1", "docaaaaaaaaaaa2", "docaaaaaaaaaaa3"],
  notes: ["noteaaaaaaaaaa0", "noteaaaaaaaaaa1", "noteaaaaaaaaaa2", "noteaaaaaaaaaa3", "noteaaaaaaaaaa4"],
} as const;
export type Table = keyof typeof IDS;

/** The doc whose `n` only ever grows; nothing else touches it. */
export const COUNTER = "docaaaaaaacount";
export const PASSWORD = "model password 1";
export const emailOf = (id: string): string => `${id}@example.com`;

const OPEN = { createRule: "", updateRule: "", deleteRule: "" };
const text = (name: string): Json => ({ name, type: "text" });
const relation = (name: string, target: string, options: Json = {}): Json => ({
  name,
  type: "relation",
  collectionId: `pbc_${target}`,
  maxSelect: 1,
  ...options,
});

/** Most apps have one: it tells in which order a record was saved. */
const stamp = (draw: Draw): readonly Json[] =>
  draw.chance(0.8) ? [{ name: "updated", type: "autodate", onCreate: true, onUpdate: true }] : [];

/** Code in PocketBase that makes of a write something else than its body says. */
export const HOOKS = `
onRecordUpdate((e) => {
  if (e.record.get("title") === "t3") e.record.set("kind", e.record.get("n") > 5 ? "A" : "b");
  e.next();
}, "docs");
onRecordCreate((e) => {
  if (e.record.get("text") === "ab") e.record.set("author", "");
  e.next();
}, "notes");
`;

/** The collections, with rules drawn for each. */
export const drawCollections = (draw: Draw): readonly Json[] => {
  const readable = (name: string): Json => {
    const rules = RULES[name] ?? [""];
    return { listRule: draw.pick(rules), viewRule: draw.pick(rules) };
  };
  const base = (name: string, fields: readonly Json[]): Json => ({
    id: `pbc_${name}`,
    name,
    type: "base",
    ...OPEN,
    ...readable(name),
    fields,
  });
  return [
    {
      ...base("people", [
        text("name"),
        { name: "role", type: "select", maxSelect: 1, values: ["admin", "member"] },
        { ...text("secret"), hidden: true },
      ]),
      type: "auth",
      manageRule: draw.pick(MANAGE_RULES),
      authAlert: { enabled: false },
    },
    base("teams", [text("name"), relation("members", "people", { maxSelect: 5 })]),
    base("docs", [
      text("title"),
      text("kind"),
      { name: "n", type: "number" },
      { name: "open", type: "bool" },
      { name: "due", type: "date" },
      relation("owner", "people", { cascadeDelete: draw.chance(0.5) }),
      relation("team", "teams", { cascadeDelete: draw.chance(0.3) }),
      ...stamp(draw),
    ]),
    base("notes", [
      text("text"),
      relation("doc", "docs", { cascadeDelete: true }),
      relation("author", "people"),
      ...stamp(draw),
    ]),
    {
      id: "pbc_stats",
      name: "stats",
      type: "view",
      ...readable("stats"),
      viewQuery:
        "SELECT d.id, d.title, COUNT(n.id) AS notes FROM docs d LEFT JOIN notes n ON n.doc = d.id GROUP BY d.id",
    },
  ];
};

/** The field of `people` that makes a circle, added once `teams` is there. */
export const TEAM_OF_PERSON = relation("team", "teams");

/** A body for a record: every field drawn anew. */
export const drawBody = (draw: Draw, table: Table): Json => {
  const some = (other: Table): string => (draw.chance(0.2) ? "" : draw.pick(IDS[other]));
  switch (table) {
    case "people":
      return {
        name: `p${draw.below(9)}`,
        role: draw.pick(["admin", "member"]),
        team: some("teams"),
        emailVisibility: draw.chance(0.5),
      };
    case "teams":
      return {
        name: draw.pick(["alpha", "beta"]),
        members: IDS.people.filter(() => draw.chance(0.5)),
      };
    case "docs":
      return {
        title: draw.pick(["t1", "t1", "t2", "t3"]),
        kind: draw.pick(["a", "a", "A", ""]),
        n: draw.below(10),
        open: draw.chance(0.5),
        owner: some("people"),
        team: some("teams"),
      };
    case "notes":
      return { text: draw.pick(["a", "b", "ab"]), doc: some("docs"), author: some("people") };
  }
};

/** A body for a change: one field drawn anew. */
export const drawField = (draw: Draw, table: Table): Json => {
  const body = drawBody(draw, table);
  const name = draw.pick(Object.keys(body));
  return { [name]: body[name] };
};

/** What everybody reads, behind `/api/collections/`. */
export const URLS: readonly string[] = [
  "docs/records?sort=id",
  "docs/records?perPage=3&page=1&sort=-n,id",
  "docs/records?perPage=3&page=2&sort=-n,id&skipTotal=1",
  "docs/records?perPage=3&page=2&sort=-n,id",
  "docs/records?filter=(open=true)&sort=id",
  "docs/records?filter=(open=true)&sort=id&perPage=2&page=2",
  "docs/records?filter=(open=true)&sort=id&perPage=2&page=2&skipTotal=1",
  "docs/records?filter=(open=true)&sort=-n,id&perPage=2&skipTotal=1",
  "docs/records?filter=(team.name='alpha')&sort=id",
  "docs/records?filter=(notes_via_doc.text?='a')&sort=id",
  "docs/records?sort=owner.name,id",
  "docs/records?sort=id&expand=owner,team.members",
  "docs/records?sort=id&expand=notes_via_doc.author",
  "docs/records?sort=id&share=t1",
  "docs/records?sort=id&filter=(due>@now)",
  "docs/records?sort=id&fields=id,n",
  "docs/records?sort=-n,id&fields=id,title",
  "docs/records?sort=id&fields=id,title&filter=(open=true)",
  "docs/records?sort=id&filter=(title='t1')",
  "docs/records?sort=id&filter=(kind='a')",
  "docs/records?sort=id&filter=(kind='A')",
  "docs/records?sort=id&filter=(title='t2'||kind='A')",
  "docs/records?sort=id&filter=(kind=null)&fields=id,kind",
  "docs/records?sort=id&filter=(owner='personaaaaaaaa0')",
  "notes/records?sort=id&filter=(doc='docaaaaaaaaaaa0')&fields=id,text,expand.author.name&expand=author",
  "notes/records?sort=id&fields=id&filter=(doc.title='t1')",
  ...IDS.docs.map((id) => `docs/records/${id}`),
  ...IDS.docs.slice(0, 2).map((id) => `docs/records/${id}?expand=team,owner,notes_via_doc`),
  "notes/records?sort=id",
  "notes/records?sort=id&expand=doc.team,author",
  "notes/records?filter=(doc.n>3)&sort=id",
  ...IDS.notes.slice(0, 2).map((id) => `notes/records/${id}?expand=author.team`),
  "teams/records?sort=id&expand=members,docs_via_team",
  ...IDS.teams.map((id) => `teams/records/${id}`),
  "people/records?sort=id",
  "people/records?sort=id&fields=id,email",
  ...IDS.people.map((id) => `people/records/${id}?expand=team.members`),
  "stats/records?sort=id",
];

/** Lists of records with one value, or of some fields: what a record was decides about them. */
export const VALUE_URLS: readonly string[] = URLS.filter((url) =>
  /filter=\((?:open|title|kind|owner|doc)=|&fields=id/.test(url),
);

/** Where records are read, alone and in a list. */
export const pathsOf = (
  writes: readonly { readonly table: string; readonly id: string }[],
): readonly string[] =>
  writes.flatMap(({ table, id }) => [`${table}/records/${id}`, `${table}/records?sort=id`]);
