// Draws whole query strings as they may arrive: escapes of every kind, parameters twice, pieces that belong nowhere, and
// values that only look like the language of filters and sorts.
import fc from "fast-check";

/** Blanks, digits, letters and signs that a reader may take for those of ASCII. */
const LOOKALIKES = [
  "\u00a0",
  "\u2003",
  "\ufeff",
  "\u200b",
  "\u0663",
  "\uff11",
  "\u0131",
  "\u212a",
  "\u2212",
  "\uff08",
];
const NAMES = [
  "id",
  "title",
  "count",
  "done",
  "tags",
  "meta.a",
  "member.name",
  "member",
  "nope",
  "title:lower",
  "tags:each",
];
const ODD_NAMES = [
  ...[
    "member.remark",
    "member.password",
    "tags:length",
    "meta.a:isset",
    "_via_",
    "a".repeat(300),
    "title.",
    ":lower",
    "id:",
  ],
  ...[
    "@request.auth.id",
    "@request.query.x:isset",
    "@collection.ledgers.line",
    "@collection.nope:x.y",
    "@now",
    "@nope",
  ],
  ...[
    "@rowid",
    "@random",
    "TRUE",
    "Null",
    "nan",
    "Infinity",
    "0x1f",
    "1e5",
    "1_000",
    "--1",
    "-",
    "+1",
    ".5",
    "5.",
  ],
  ...[
    "strftime('%Y')",
    "geoDistance(1,2,3,4)",
    "geoDistance(count,1,)",
    "strftime()",
    "nope(1)",
    "f(f(f(f(1))))",
    "lower('x')",
  ],
];
const OPERATORS = ["=", "!=", ">", "<=", "~", "!~", "?=", "?!~", "==", "=>", "<>", "is", "?", "=~", "!"];
const JOINS = ["&&", "||", "&", "|", "&&&", "and", ",", "&& ||", "//\n&&", " "];
const TEXTS = [
  "'x'",
  '"x"',
  "'it\\'s'",
  "'\\\\'",
  "'a\"b'",
  "''",
  "'",
  '"',
  "`x`",
  "'\n'",
  "'//'",
  "'(' ",
  "'\u{1f600}'",
  "'\\u0041'",
];
const BLANKS = ["", "", "", " ", " ", "\t", "\n", "\r\n", "\v", "\f", "// c\n", "// c", "/* c */", "/", "\0"];
const SMALL = ["1", "0", "-5", "007", "99999999999999999999", "1.", "1.5.2"];

const one = (texts: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);
const mostly = (usual: fc.Arbitrary<string>, odd: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: odd });

const operand = fc.oneof(
  { weight: 5, arbitrary: one(NAMES) },
  { weight: 3, arbitrary: mostly(one(["'x'", '"x"', "1", "true"]), fc.oneof(one(TEXTS), one(SMALL))) },
  { weight: 1, arbitrary: fc.oneof(one(ODD_NAMES), one(LOOKALIKES)) },
);
const comparison = fc
  .tuple(operand, one(BLANKS), mostly(one(OPERATORS.slice(0, 8)), one(OPERATORS)), one(BLANKS), operand)
  .map((parts) => parts.join(""));
const filter = fc.letrec<{ all: string; part: string }>((tie) => ({
  part: fc.oneof(
    { depthSize: "small" },
    { weight: 5, arbitrary: comparison },
    {
      weight: 1,
      arbitrary: fc.tuple(one(BLANKS), tie("all"), one(BLANKS)).map(([a, b, c]) => `(${a}${b}${c})`),
    },
    {
      weight: 1,
      arbitrary: mostly(comparison, one(["()", "(", ")", "((id='x'))", "(id='x'", "id='x')", ""])),
    },
  ),
  all: fc
    .array(fc.tuple(tie("part"), mostly(one(["&&", "||"]), one(JOINS))), { minLength: 1, maxLength: 4 })
    .map((items) =>
      items.map(([part, join], at) => (at === items.length - 1 ? part : `${part}${join}`)).join(""),
    ),
})).all;
const sort = fc
  .array(
    fc.tuple(
      one(["", "-", "+", " ", "-+", "--", "\u00a0", "\u0085"]),
      mostly(one(NAMES), one(ODD_NAMES)),
      one(["", "", " ", "\t", "\u2003", " desc"]),
    ),
    {
      maxLength: 9,
    },
  )
  .map((keys) => keys.map((parts) => parts.join("")).join(","));
const number = fc.oneof(
  one(SMALL),
  one([
    "",
    "1",
    "2",
    "30",
    "-1",
    "+3",
    " 1",
    "1 ",
    "1e2",
    "0x2",
    "\u0661",
    "1_0",
    "true",
    "9".repeat(18),
    "9".repeat(19),
  ]),
);
const flag = one([
  "",
  "1",
  "0",
  "t",
  "T",
  "TRUE",
  "True",
  "tRUE",
  "yes",
  "on",
  "false",
  "F",
  " 1",
  "null",
  "2",
]);
const loose = one(["id", "*", "expand", "member", "(", "member.nope", "id:excerpt(3)", "'"]);

const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  filter,
  sort,
  page: number,
  perPage: number,
  skipTotal: flag,
  expand: loose,
  fields: loose,
};

const RAW = /^[A-Za-z0-9_.~!*'():@$,/?=-]$/;
/** How one character is written: 0 as short as it may be, more of it the more it is escaped. */
const written = (sign: string, style: number): string => {
  if (sign === " " && style % 2 === 0) return "+";
  if (RAW.test(sign) && style < 6) return sign;
  const hex = Buffer.from(sign).toString("hex").replace(/../g, "%$&");
  return style % 3 === 0 ? hex.toUpperCase() : hex;
};
const encoded = (text: string, styles: readonly number[]): string =>
  [...text.toWellFormed()].map((sign, at) => written(sign, styles[at % styles.length] ?? 0)).join("");

/** What no careful client writes: broken and overlong escapes, halves of surrogate pairs, bytes that are no UTF-8. */
const STRAYS = [
  "%",
  "%4",
  "%zz",
  "%ed%a0%80",
  "%c0%a8",
  "%ff",
  "%00",
  ";",
  "%3b",
  "+",
  "%2b",
  "%u0041",
  "=",
  "%26",
  "%23",
];
const SPOILT = [
  "filter[]",
  "Filter",
  "fil%74er",
  "filter%00",
  "sort[0]",
  "%66ilter",
  "+filter",
  "perpage",
  "page.",
  "",
];

const pair = fc
  .tuple(
    fc.constantFrom(
      "filter",
      "filter",
      "filter",
      "sort",
      "sort",
      "page",
      "perPage",
      "skipTotal",
      "expand",
      "fields",
    ),
    fc.array(fc.nat(9), { minLength: 1, maxLength: 7 }),
    mostly(fc.constant(""), one(STRAYS)),
    fc.nat(99),
    mostly(fc.constant(""), one(SPOILT)),
  )
  .chain(([name, styles, stray, place, spoilt]) =>
    (VALUES[name] ?? loose).map((value) => {
      const text = encoded(value, styles);
      const at = place % (text.length + 1);
      return `${spoilt === "" ? name : spoilt}=${text.slice(0, at)}${stray}${text.slice(at)}`;
    }),
  );

/** A query string, without the question mark; ASCII, and short enough for every server. */
export const rawQuery: fc.Arbitrary<string> = fc
  .array(fc.tuple(pair, mostly(fc.constant("&"), one(["&&", ";", "&=&", "&filter&", "&sort=&"]))), {
    minLength: 1,
    maxLength: 3,
  })
  .map((items) =>
    items.map(([text, join], at) => (at === items.length - 1 ? text : `${text}${join}`)).join(""),
  )
  .filter((query) => query.length < 3_000);
