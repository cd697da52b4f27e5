// Draws filters and sorts: valid ones in every shape the language has, and the same with small damages.
import fc from "fast-check";
import { OPERATORS } from "../../src/rules/expression.ts";

/** Names to draw from, by collection of the test app: known ones and ones that lead nowhere. */
export const NAMES: Readonly<Record<string, readonly string[]>> = {
  notices: [
    ...[
      "id",
      "title",
      "count",
      "done",
      "tags",
      "meta",
      "member",
      "blob",
      "title:lower",
      "tags:each",
      "tags:length",
    ],
    ...["meta.a", "meta.list.1", "meta.a.b.c.d.e.f.g.h", "meta.", "member.name", "member.id", "member.email"],
    ...["member.remark", "member.profiles_via_member.motto", "member.comments_via_author.article.title"],
    ...["member.articles_via_author.related.related.related.related.title", "member.diaries_via_owner.entry"],
    ...[
      "member.articles_via_author.related.related.related.related.related.related.title",
      "member.password",
    ],
    ...[
      "title.x",
      "nope",
      "title:nope",
      "title:lower:lower",
      "member.nope",
      "comments_via_author.words",
      "TITLE",
    ],
    ...[
      "tags:each:each",
      "member:length",
      "blob:each",
      "count:lower",
      "title:",
      "member..name",
      "_via_",
      "true",
    ],
  ],
  articles: [
    ...[
      "title",
      "views",
      "published",
      "spot.lon",
      "spot",
      "draftNote",
      "author.role",
      "related.title",
      "related",
    ],
    ...[
      "related.id",
      "comments_via_article.words",
      "comments_via_article.author.name",
      "related:each",
      "created",
    ],
    ...[
      "ARTICLES_via_related.title",
      "pbc_comments001_via_article.words",
      "comments_via_author.words",
      "cover",
    ],
    ...[
      "comments_via_article",
      "comments_via_nope.words",
      "nope_via_article.words",
      "author.comments_via_author.id",
    ],
  ],
  articleStats: ["id", "title", "replies", "author.name", "author", "nope", "articles_via_author.title"],
  diaries: ["entry", "owner.name", "owner.diaries_via_owner.entry", "scan", "owner", "owner.email:lower"],
};

const REQUEST_NAMES = [
  ...[
    "@request.auth.id",
    "@request.auth.role",
    "@request.auth.nope",
    "@request.auth.articles_via_author.title",
  ],
  ...[
    "@request.method",
    "@request.context",
    "@request.query.x",
    "@request.query.x:isset",
    "@request.headers.x_y",
  ],
  ...[
    "@request.body.title",
    "@request.body.title:isset",
    "@request.nope",
    "@request",
    "@request.auth",
    "@now.x",
  ],
  ...[
    "@collection.members.name",
    "@collection.members:m.name",
    "@collection.nope.name",
    "@collection.members",
  ],
  ...[
    "@collection.ARTICLES.title",
    "@collection.ledgers.line",
    "@collection.comments.article.title",
    "@collection",
  ],
];
const MACROS = [
  "@now",
  "@yesterday",
  "@todayStart",
  "@todayEnd",
  "@year",
  "@second",
  "@nope",
  "@NOW",
  "@",
  "#a",
];

const word: fc.Arbitrary<string> = fc.constantFrom("true", "false", "null", "TRUE", "Null", "not");
const number: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -99, max: 99 }).map(String) },
  { weight: 3, arbitrary: fc.constantFrom("-.5", "007", "1.50", "-0", "99999999999999999999") },
  { weight: 1, arbitrary: fc.constantFrom("1.", ".5", "1e5", "--1", "-", "1.2.3") },
);
const quoted: fc.Arbitrary<string> = fc
  .tuple(fc.string({ unit: "grapheme", maxLength: 8 }), fc.constantFrom("'", '"'), fc.boolean())
  .map(([text, quote, isEscaped]) => {
    const plain = text.replaceAll("\0", "").replace(/\\+$/, "");
    return `${quote}${plain.replaceAll(quote, isEscaped ? `\\${quote}` : "")}${quote}`;
  });
const blank: fc.Arbitrary<string> = fc.constantFrom(
  "",
  " ",
  " ",
  "\n",
  "\t ",
  ' // it\'s (a) "note"\n',
  "//x\n",
  "\r",
  "\u00a0",
);
const oddly = (usual: string): fc.Arbitrary<string> =>
  fc.oneof({ weight: 30, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: blank });

const nameOf = (names: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 14, arbitrary: fc.constantFrom(...names) },
    { weight: 2, arbitrary: fc.constantFrom(...MACROS) },
    { weight: 2, arbitrary: fc.constantFrom(...REQUEST_NAMES) },
    { weight: 1, arbitrary: word },
  );

const callOf = (name: fc.Arbitrary<string>): fc.Arbitrary<string> => {
  const inner = fc.oneof(name, number, quoted);
  const strftime = fc
    .tuple(quoted, fc.array(inner, { maxLength: 1 }), fc.array(quoted, { maxLength: 3 }))
    .map(([format, time, modifiers]) => `strftime(${[format, ...time, ...modifiers].join(" , ")})`);
  const distance = fc
    .array(fc.oneof(name, number), { minLength: 3, maxLength: 5 })
    .map((args) => `geoDistance(${args.join(",")}${args[0] === "1" ? "" : ","})`);
  const any = fc
    .tuple(
      fc.constantFrom("geoDistance", "strftime", "nope"),
      fc.array(fc.oneof(inner, strftime), { maxLength: 5 }),
    )
    .map(([call, args]) => `${call}(${args.join(", ")})`);
  return fc.oneof(
    { weight: 4, arbitrary: strftime },
    { weight: 4, arbitrary: distance },
    { weight: 1, arbitrary: any },
  );
};

const comparisonOf = (names: readonly string[]): fc.Arbitrary<string> => {
  const name = nameOf(names);
  const operand = fc.oneof(
    { weight: 8, arbitrary: name },
    { weight: 5, arbitrary: quoted },
    { weight: 4, arbitrary: number },
    { weight: 2, arbitrary: callOf(name) },
  );
  return fc
    .tuple(operand, oddly(" "), fc.constantFrom(...OPERATORS), oddly(" "), operand)
    .map((parts) => parts.join(""));
};

/** A filter over `names`, valid in its grammar for the most part. */
export const filterOf = (names: readonly string[]): fc.Arbitrary<string> =>
  fc.letrec<{ filter: string; item: string }>((tie) => ({
    item: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      { weight: 4, arbitrary: comparisonOf(names) },
      {
        weight: 1,
        arbitrary: fc.tuple(oddly(""), tie("filter"), oddly("")).map(([a, b, c]) => `(${a}${b}${c})`),
      },
    ),
    filter: fc
      .tuple(
        tie("item"),
        fc.array(
          fc.tuple(
            oddly(" "),
            fc.constantFrom("&&", "||", "&&", "||", "&&", "||", "&&", "||", "&", ""),
            oddly(" "),
            tie("item"),
          ),
          { maxLength: 3 },
        ),
      )
      .map(([first, rest]) => first + rest.map((parts) => parts.join("")).join("")),
  })).filter;

const DAMAGES = [..."()&|=!<>~?'\"\\/ .,:@#-_09aZé\n\0\u00a0", "&&", "||", "//", "()", "\u{1f600}", "f("];

/** A text with up to four places where something was put in, taken out or doubled. */
export const damaged = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      text,
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(...DAMAGES), fc.nat(2)), { minLength: 1, maxLength: 4 }),
    )
    .map(([whole, damages]) =>
      damages.reduce((left, [place, piece, kind]) => {
        const at = place % (left.length + 1);
        if (kind === 0) return left.slice(0, at) + piece + left.slice(at);
        return left.slice(0, at) + (kind === 1 ? "" : piece) + left.slice(at + 1);
      }, whole),
    )
    .map((whole) => whole.toWellFormed());

/** Anything made of the language's characters. */
export const gibberish: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...DAMAGES, "id", "title", "=", "1", "'x'", "(", ")", " "), { maxLength: 24 })
  .map((parts) => parts.join("").toWellFormed());

/** A sort over `names`. */
export const sortOf = (names: readonly string[]): fc.Arbitrary<string> => {
  const key = fc
    .tuple(
      fc.constantFrom("", "", "-", "+", " ", "--", "-+"),
      fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...names) },
        {
          weight: 1,
          arbitrary: fc.constantFrom("@random", "@rowid", "@now", "", " ", "1", "true", ...REQUEST_NAMES),
        },
      ),
      fc.constantFrom("", "", "", " ", "\u00a0", "\t", " desc"),
    )
    .map((parts) => parts.join(""));
  return fc.array(key, { minLength: 1, maxLength: 9 }).map((keys) => keys.join(","));
};

/** A filter over `notices` whose parts find some records and not others, so that its structure shows. */
export const structuredFilter: fc.Arbitrary<string> = fc.letrec<{ filter: string; item: string }>((tie) => ({
  item: fc.oneof(
    { depthSize: "small" },
    fc
      .tuple(fc.constantFrom("<", ">=", "!="), fc.integer({ min: 1, max: 25 }))
      .map(([operator, count]) => `count ${operator} ${count}`),
    fc.constantFrom("done = true", "done = false", "tags:each ?= 'red'", "member = ''", "title ~ '2'"),
    tie("filter").map((inner) => `(${inner})`),
  ),
  filter: fc
    .tuple(
      tie("item"),
      fc.array(fc.tuple(fc.constantFrom(" && ", " || "), tie("item")), { minLength: 1, maxLength: 3 }),
    )
    .map(([first, rest]) => first + rest.map((parts) => parts.join("")).join("")),
})).filter;
