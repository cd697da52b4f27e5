// Generates list and view requests: filters, sorts, fields, expands and paging, mostly valid, some not.
import fc from "fast-check";
import { IDS } from "../support/fixture/records.ts";

interface Shape {
  readonly fields: readonly string[];
  readonly expands: readonly string[];
  readonly ids: readonly string[];
}

const SHAPES: Readonly<Record<string, Shape>> = {
  notices: {
    fields: [
      "id",
      "title",
      "count",
      "done",
      "tags",
      "meta.a",
      "meta.list.1",
      "member",
      "member.name",
      "tags:length",
      "title:lower",
      "tags:each",
      "blob",
    ],
    expands: ["member", "member.profiles_via_member"],
    ids: ["notice000000001", "notice000000007", IDS.bigNotice, "nosuchrecord001"],
  },
  articles: {
    fields: [
      "title",
      "slug",
      "views",
      "published",
      "at",
      "kind",
      "author.name",
      "related.title",
      "comments_via_article.words",
      "created",
      "spot.lon",
      "draftNote",
    ],
    expands: ["author", "related.author", "comments_via_article.author", "nope", "author.nope"],
    ids: [IDS.news, IDS.essay, IDS.draft],
  },
  members: {
    fields: ["name", "role", "email", "verified"],
    expands: ["profiles_via_member", "diaries_via_owner"],
    ids: [IDS.ada, IDS.ben, IDS.cyd],
  },
  diaries: { fields: ["entry", "owner", "owner.name"], expands: ["owner"], ids: [IDS.diary] },
  comments: {
    fields: ["words", "article.title", "author"],
    expands: ["article.author", "author"],
    ids: ["commentone00001"],
  },
  ledgers: { fields: ["line"], expands: [], ids: [IDS.ledger] },
  gates: { fields: ["pass", "label"], expands: [], ids: [IDS.gate] },
  articleStats: { fields: ["title", "replies", "author"], expands: ["author"], ids: [IDS.news, IDS.draft] },
};

const literal = fc.oneof(
  fc.integer({ min: -20, max: 40 }).map(String),
  fc.constantFrom("true", "false", "null", "1.5", '""', "@now", "@tomorrow", "'2024-05-06 07:08:09.123Z'"),
  fc
    .constantFrom("Notice", "red", "Ada", "%5%", "first", "on-rivers", "it\\'s", "ümläut ✓", "<b>", "100%")
    .map((t) => `'${t}'`),
  fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)),
);
const operator = fc.constantFrom("=", "!=", ">", ">=", "<", "<=", "~", "!~", "?=", "?~", "?>");

const comparison = (fields: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...fields), operator, literal)
    .map(([field, op, value]) => `${field} ${op} ${value}`);

const filterOf = (fields: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(comparison(fields), fc.constantFrom(" && ", " || "), fc.boolean()), {
      minLength: 1,
      maxLength: 4,
    })
    .map((parts) =>
      parts
        .map(([text, join, grouped], i) => `${i === 0 ? "" : join}${grouped ? `(${text})` : text}`)
        .join(""),
    );

const brokenFilter = fc.constantFrom(
  "(",
  "title =",
  "a & b",
  " ",
  "nope = 1",
  "@request.auth.id = ''",
  "title = 'x",
  "//",
  "1e5 = 1",
);

const commaList = (items: readonly string[]): fc.Arbitrary<string> =>
  items.length === 0
    ? fc.constant("")
    : fc.uniqueArray(fc.constantFrom(...items), { minLength: 1, maxLength: 3 }).map((l) => l.join(","));

/** Encodes a value as a client might: fully, or leaving characters that a query may carry as they are. */
const encoded = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(value, fc.boolean()).map(([text, lean]) => {
    const full = encodeURIComponent(text.toWellFormed());
    return lean ? full.replaceAll("%20", "+").replaceAll("%2C", ",").replaceAll("%3A", ":") : full;
  });

/** Odd pairs that rules could read and that must therefore travel unchanged. */
const oddPair = fc.constantFrom(
  "x",
  "x=",
  "=",
  "",
  "a=1;b=2",
  "share=blue",
  "share=%62lue",
  "q=%zz",
  "q=%",
  "q=%00",
  "q=%ff",
  "~!$'()*:@/?=1",
  "fields",
);

const sortOf = (fields: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    commaList(["id", "-id", ...fields, ...fields.map((f) => `-${f}`)]),
    fc.constantFrom("nope", "id,", "+id", "@now", "@rowid"),
  );

const fieldsOf = (fields: readonly string[]): fc.Arbitrary<string> =>
  commaList(["id", "*", "collectionName", "expand.*", "title:excerpt(5,true)", "nope", "meta.*", ...fields]);

const number = fc.oneof(
  fc.integer({ min: -1, max: 40 }).map(String),
  fc.constantFrom("1001", "x", "1.5", "", " 2"),
);

const queryOf = (shape: Shape): fc.Arbitrary<string> => {
  const filter = fc.oneof(
    { weight: 6, arbitrary: filterOf(shape.fields) },
    { weight: 1, arbitrary: brokenFilter },
  );
  const pair = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    encoded(value).map((v) => `${name}=${v}`);
  const pairs = fc.oneof(
    { weight: 6, arbitrary: pair("filter", filter) },
    { weight: 3, arbitrary: pair("sort", sortOf(shape.fields)) },
    { weight: 3, arbitrary: pair("fields", fieldsOf(shape.fields)) },
    { weight: 3, arbitrary: pair("expand", commaList(shape.expands)) },
    { weight: 2, arbitrary: pair("page", number) },
    { weight: 2, arbitrary: pair("perPage", number) },
    { weight: 2, arbitrary: pair("skipTotal", fc.constantFrom("1", "true", "0", "yes", "")) },
    { weight: 1, arbitrary: oddPair },
  );
  return fc.array(pairs, { maxLength: 5 }).map((list) => (list.length === 0 ? "" : `?${list.join("&")}`));
};

/** Writes a path segment in another of its legal spellings. */
const spelled = (segment: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(segment) },
    { weight: 1, arbitrary: fc.constant(segment.replace(/^./, (c) => `%${c.charCodeAt(0).toString(16)}`)) },
    { weight: 1, arbitrary: fc.constant(segment.toUpperCase()) },
  );

/** Paths of list and view requests with their queries. */
export const readPaths: fc.Arbitrary<string> = fc
  .constantFrom(...Object.keys(SHAPES), "nosuch", "_superusers", "pbc_notices0001")
  .chain((name) => {
    const shape = SHAPES[name] ?? { fields: ["id", "title"], expands: [], ids: ["notice000000001"] };
    const tail = fc.oneof(
      { weight: 3, arbitrary: fc.constant("") },
      {
        weight: 2,
        arbitrary: fc
          .constantFrom(...shape.ids)
          .chain(spelled)
          .map((id) => `/${id}`),
      },
    );
    return fc
      .tuple(spelled(name), tail, queryOf(shape))
      .map(([collection, id, query]) => `/api/collections/${collection}/records${id}${query}`);
  });
