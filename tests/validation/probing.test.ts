// Somebody who asks for names that he may not know: what is hidden, what is closed and what does not exist must answer alike
// to the last header, whatever is built around the name, and with the operator's bounds on.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { exchange } from "../support/wire.ts";
import { type Pair, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

const BOUNDS = { MaxFilterTerms: 3, MaxJoins: 1, MaxNestedMany: 1, MaxExpandDepth: 1, IndexedSorts: ["*"] };
const VAULTS = {
  name: "vaults",
  type: "base",
  fields: [
    { name: "code", type: "text" },
    { name: "article", type: "relation", collectionId: "pbc_articles001", maxSelect: 1 },
  ],
};

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ config: { Validation: { Query: BOUNDS } } });
  const made = await pair.through({
    as: "superuser",
    method: "POST",
    path: "/api/collections",
    json: VAULTS,
  });
  if (made.status !== 200) throw new Error(JSON.stringify(made.body));
});
afterAll(() => pair[Symbol.asyncDispose]());

/** Everything that is told, but what is told of each request alone. */
const told = async (parameter: string, text: string) => {
  const query = `${parameter}=${encodeURIComponent(text)}&skipTotal=1`;
  const answer = await exchange(pair.hapta.url, { path: `/api/collections/articles/records?${query}` });
  const headers = answer.headers.filter(([name]) => !/^(?:x-request-id|date)$/i.test(name));
  return { status: answer.status, headers, text: answer.text };
};

/** A name that is there but not for guests, and one of the same length that is not. */
const PAIRS = [
  ["draftNote", "draftNotX"],
  ["author.remark", "author.remarX"],
  ["author.password", "author.passworX"],
  ["author.tokenKey", "author.tokenKeX"],
  ["vaults_via_article.code", "vaultX_via_article.code"],
  ["vaults_via_article.code", "vaults_via_articlX.code"],
  ["vaults_via_article.code", "vaults_via_article.codX"],
  ["related.vaults_via_article.article.title", "related.vaultX_via_article.article.title"],
] as const;

const FILTERS: readonly ((name: string) => string)[] = [
  (name) => `${name} = 1`,
  (name) => `1 ?~ ${name}`,
  (name) => `${name}:lower = 'x'`,
  (name) => `${name}:each ?= 'x'`,
  (name) => `${name}:length > 0`,
  (name) => `${name}.more = null`,
  (name) => `${name} = ${name}`,
  (name) => `id != '' && (title ~ 'a' || ${name} != '')`,
  (name) => `id = 1 || id = 2 || id = 3 || ${name} = 4`,
  (name) => `nope = 1 && ${name} = 1`,
  (name) => `geoDistance(${name}, 1, 2, 3) < 4`,
  (name) => `strftime('%Y', ${name}) = '2026'`,
  (name) => `nope(${name}) = 1`,
  (name) => `// ${name}\n${name}`,
];

test.each(PAIRS.map(([secret, decoy]) => ({ secret, decoy })))(
  "a guest can't tell $secret from $decoy",
  async ({ secret, decoy }) => {
    for (const filter of FILTERS)
      expect([filter(secret), await told("filter", filter(secret))]).toEqual([
        filter(secret),
        await told("filter", filter(decoy)),
      ]);
    for (const sort of [secret, `-${secret}`, `id,${secret}`, `${secret}:lower`, `${secret},nope`])
      expect([sort, await told("sort", sort)]).toEqual([
        sort,
        await told("sort", sort.replace(secret, decoy)),
      ]);
    for (const expand of [secret, `${secret}.member`, `author,${secret}`])
      expect([expand, await told("expand", expand)]).toEqual([
        expand,
        await told("expand", expand.replace(secret, decoy)),
      ]);
  },
);

test("the names are there for superusers, so that the test is about something", async () => {
  for (const [secret, decoy] of PAIRS.filter(([name]) => !/password|tokenKey/.test(name))) {
    const ask = async (name: string) =>
      (await pair.direct({ as: "superuser", path: `/api/collections/articles/records?filter=${name}!=1` }))
        .status;
    expect([secret, await ask(secret), await ask(decoy)]).toEqual([secret, 200, 400]);
  }
});
