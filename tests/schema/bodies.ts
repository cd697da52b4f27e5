// Draws bodies for the judged collections: usual values, values at every limit, and odd ones of any JSON type.
import fc from "fast-check";

type Values = fc.Arbitrary<unknown>;

const of = (...values: unknown[]): Values => fc.constantFrom(...values);
const odd: Values = fc.oneof(
  of(
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    1e21,
    1e-7,
    "",
    " ",
    "true",
    "false",
    "null",
    "0",
    "1",
    "t",
    [],
    {},
    [""],
    [null],
  ),
  of(
    [1, 2],
    ["a", "b"],
    { a: 1 },
    [["a"]],
    "[]",
    "{}",
    '["a"]',
    "[1",
    "\u00e9\u{1f600}",
    "<b>&",
    "a\nb",
    "\u0007",
    "-0",
  ),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.integer(),
);
const mixed = (usual: Values): Values =>
  fc.oneof({ weight: 4, arbitrary: usual }, { weight: 1, arbitrary: odd });

/** Some of the texts in a row. */
const pieces = (...texts: readonly string[]): Values =>
  fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 7 }).map((parts) => parts.join(""));

const text: Values = fc.oneof(
  of(
    "a",
    "ab",
    "abc",
    "abcde",
    "abcdef",
    "Ab",
    "AB",
    "a b",
    "x-1",
    "\u{1f600}\u{1f600}",
    "ä".repeat(5),
    "x".repeat(5_001),
  ),
  fc.string({ maxLength: 8 }),
);
const number: Values = fc.oneof(
  of(-2.5, -2.51, 1000, 1000.01, 7, 8, 6.5, 2 ** 53, 1e300, -1e300, 2 ** 63, -(2 ** 63), 12, 0.1),
  of(
    "12",
    "12.5",
    "1e2",
    "007",
    "+5",
    "1.0",
    " 5 ",
    "0x10",
    "1,5",
    "abc",
    "NaN",
    "Infinity",
    "-inf",
    "1e999",
    ".5",
    "5.",
    "1_000",
  ),
);
const email: Values = fc.oneof(
  pieces("a", "b", "ü", "@", "@", ".", "_", "-", "co", "1", '"', "+", "@b.co"),
  of(
    ...[
      "a@b.co",
      "a@example.com",
      "A@Example.com",
      "ä@b.co",
      "a@ü.com",
      "o'k@x.co",
      "a_b@x_y.co",
      "a@x.co.",
      "a@b",
      "a@localhost",
    ],
    ...[
      "a@127.0.0.1",
      "a..b@c.co",
      ".a@b.co",
      '"a"@b.co',
      "A <a@b.co>",
      " a@b.co",
      "a@b.co ",
      "a@b..co",
      "a@-b.co",
      "a@b-.co",
    ],
    ...[
      "a@b.c",
      "a@b.c1",
      "a@1.co",
      "@b.co",
      "a@",
      "a@@b.co",
      "a@b.co@c.co",
      `${"x".repeat(65)}@b.co`,
      "a+b@c.co",
      "a@b.co\n",
    ],
  ),
);
const url: Values = fc.oneof(
  pieces(
    "http://",
    "ftp://",
    "a",
    "bc",
    "1",
    "ü",
    "-",
    "_",
    ".",
    "co",
    "www.",
    ":80",
    ":",
    "/",
    "?",
    "#",
    "@",
    "24.3",
  ),
  pieces("http://", "http://", "a", "bc", ".", "-", "co", "12"),
  of(
    ...[
      "http://a.co",
      "https://example.com",
      "http://example.com/x/y.html",
      "http://EXAMPLE.com",
      "https://example.com:8080/x",
    ],
    ...[
      "ftp://a.co/x",
      "a.co",
      "mailto:a@b",
      "//a.co",
      "123",
      "x y",
      "http://a b.co",
      ".co",
      "http://",
      "http://localhost",
    ],
    ...[
      "http://a.co?x=1#y",
      "http://user:pw@a.co",
      "http://1.2.3.4",
      "http://[::1]/",
      "javascript:alert(1)",
      "http://a.co/ä",
      "a",
    ],
    ...[
      "http://a-.co",
      "http://-a.co",
      "http://a_b.co",
      "http://a.co:99999",
      "http://example.com.",
      "https://sub.example.com/",
    ],
  ),
);
const date: Values = fc.oneof(
  pieces("2024-", "01", "-02", " ", "T", "03:04", ":05", ".5", "Z", "PM", "Jan ", "1", "+01:00", ","),
  of(
    ...[
      "2024-01-01 00:00:00.000Z",
      "2024-12-31 23:59:59.999Z",
      "2023-12-31 23:59:59.999Z",
      "2025-01-01 00:00:00.000Z",
    ],
    ...[
      "2024-06-01",
      "2024-06-01 03:04:05",
      "2024-06-01T03:04:05Z",
      "2024-06-01T03:04:05.123456789Z",
      "2024-06-01T03:04:05+02:00",
    ],
    ...[
      "2024-13-40",
      "2024-02-30",
      "2024",
      "2024-01-02 03:04",
      "Jan 2 2024",
      "2024/01/02",
      "02 Jan 2024",
      "3:04PM",
      "abc",
      " 2024-01-01",
    ],
    ...[
      "Sun, 02 Jun 2024 10:00:00 GMT",
      "0001-01-01 00:00:00.000Z",
      "9999-12-31",
      "2024-06-01 25:00:00Z",
      "2024-06-01 03:04:05.5Z",
    ],
    ...[
      1_717_200_000,
      "1717200000",
      "2024-02-29",
      "2023-02-29",
      "2024-06-01 03:04:60Z",
      "0099-01-01 00:00:00Z",
    ],
  ),
);
const choice: Values = fc.oneof(
  of(
    "red",
    "green",
    "blue",
    "nope",
    "3",
    3,
    true,
    "Red",
    "red ",
    '["red","green"]',
    '["red"]',
    '[1,"red"]',
    "red,green",
  ),
  fc.array(fc.constantFrom<unknown>("red", "green", "blue", "nope", "", 3, "3", null, true, ["red"], {}), {
    maxLength: 4,
  }),
);
const member = ["memberada000001", "nosuchrecord001"];
const relation: Values = fc.oneof(
  of("", "nope", ...member, '["nope"]', 5),
  fc.array(fc.constantFrom("a", "b", "c", "d", "", ...member), { maxLength: 5 }),
);
const json: Values = fc.oneof(
  of(
    "123",
    "1e5",
    '"abc"',
    "[1",
    "0123",
    " 1",
    '{"a":1}',
    "{a}",
    "x".repeat(57),
    "x".repeat(58),
    "x".repeat(59),
    "x".repeat(80),
  ),
  of(
    { a: "x".repeat(52) },
    { a: "x".repeat(53) },
    { a: "x".repeat(70) },
    "<>&",
    "<>&".repeat(12),
    ["<>&".repeat(4)],
    "tab\t",
    "bell\u0007",
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const geo: Values = fc.oneof(
  of(
    { lon: 180, lat: 90 },
    { lon: 180.1, lat: 0 },
    { lat: -90.1 },
    { lon: 181, lat: 91 },
    { LON: 5 },
    { lon: "5" },
    { lon: null },
  ),
  of({ lon: 0, lat: 0 }, { lon: 1, x: 2 }, '{"lon":5}', '{"lon":500}', [1, 2], "x", 5, {}),
);
const password: Values = of(
  "abc",
  "ab",
  "abcdefghi",
  "abcdefghij",
  "a b",
  "äöü",
  "x".repeat(80),
  "ß".repeat(40),
  "12345678",
  12345678,
  "",
);
const truth: Values = of("1", "t", "yes", "on", "TRUE", 1, 0, 2, -1, true, false, "false");
const id: Values = of(
  "",
  "abcdefghij12345",
  "short",
  "UPPERCASE123456",
  "abcdefghij1234567",
  "with blank 1234",
  null,
  123456789012345,
);

const FIELDS: Readonly<Record<string, Values>> = {
  text,
  textRange: text,
  textPattern: text,
  textGroups: fc.oneof(text, pieces("a", "b-", "-", "x", "12", "3", "_", " ")),
  textGoPattern: fc.oneof(text, pieces("a", "A", "b", "B", "\n")),
  textAuto: text,
  textHidden: text,
  number,
  numberRange: number,
  numberInt: number,
  numberPositive: fc.oneof(of(0, 0.5, 1, "0", "abc", null, -1), number),
  bool: truth,
  email,
  emailOnly: email,
  emailExcept: email,
  url,
  urlOnly: url,
  urlExcept: url,
  editor: of("x".repeat(40), "x".repeat(41), "ä".repeat(20), "ä".repeat(21), "<p>x</p>"),
  date,
  dateRange: date,
  auto: date,
  select: choice,
  selectMany: choice,
  json,
  relation,
  relationMany: relation,
  file: of("a.png", ["a.png"], "", null, []),
  fileMany: of(["x", "y", "z"], "x", "a.png", ["a.png", "y"], ['["a"]'], []),
  geo,
  password,
  id,
  unknown: odd,
  collectionId: odd,
  expand: odd,
  created: odd,
  "number+": number,
  "numberRange-": number,
  "+number": number,
  "selectMany+": choice,
  "+selectMany": choice,
  "selectMany-": choice,
  "textAuto:autogenerate": text,
  "text:autogenerate": text,
  "relationMany+": relation,
  "fileMany-": of("x"),
  "bool+": truth,
  "textHidden:autogenerate": text,
};

const picked = (
  fields: Readonly<Record<string, Values>>,
  most: number,
): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .uniqueArray(fc.constantFrom(...Object.keys(fields)), { minLength: 1, maxLength: most })
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, mixed(fields[name] ?? odd)]))));

/** A body that PocketBase accepts for `required`, but for the relation. */
export const REQUIRED_BODY: Readonly<Record<string, unknown>> = {
  text: "a",
  number: 1,
  bool: true,
  email: "a@b.co",
  url: "http://a.co",
  editor: "x",
  date: "2024-01-01",
  select: "red",
  json: 1,
  geoPoint: { lon: 1, lat: 1 },
  password: "x",
};

const REQUIRED_FIELDS: Readonly<Record<string, Values>> = {
  text,
  number,
  bool: truth,
  email,
  url,
  editor: text,
  date,
  select: choice,
  json,
  relation,
  geoPoint: geo,
  password,
};

const PEOPLE_FIELDS: Readonly<Record<string, Values>> = {
  nick: text,
  note: text,
  email,
  emailVisibility: truth,
  verified: truth,
  oldPassword: text,
  tokenKey: text,
  password,
  passwordConfirm: password,
};

/** A collection's name and a body for it. */
export interface DrawnBody {
  readonly collection: "everything" | "required" | "people";
  readonly body: Readonly<Record<string, unknown>>;
}

const LOGIN = { password: "12345678", passwordConfirm: "12345678", nick: "x" };

/** Any of them. `unique` numbers keep e-mail addresses apart. */
export const drawnBody: fc.Arbitrary<DrawnBody> = fc.oneof(
  { weight: 6, arbitrary: picked(FIELDS, 4).map((body) => ({ collection: "everything" as const, body })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(picked(REQUIRED_FIELDS, 3), fc.subarray(Object.keys(REQUIRED_BODY)), fc.boolean())
      .map(([body, missing, isNearly]) => {
        const base = isNearly ? { ...REQUIRED_BODY } : {};
        for (const name of missing.slice(0, 2)) Reflect.deleteProperty(base, name);
        return { collection: "required" as const, body: { ...base, ...body } };
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(picked(PEOPLE_FIELDS, 4), fc.integer({ min: 0, max: 2 ** 40 }), fc.boolean())
      .map(([body, n, isNearly]) => ({
        collection: "people" as const,
        body: isNearly ? { email: `p${n}@example.com`, ...LOGIN, ...body } : body,
      })),
  },
);

// What an app's own form sends, with the mistakes that people make.
const FORM_FIELDS: Readonly<Record<string, Values>> = {
  text: of("Hello", "x".repeat(5_001)),
  textRange: of("abc", "a", "much too long", ""),
  textPattern: of("fine-1", "Not Fine"),
  number: of(1, 2.5, "3", ""),
  numberRange: of(0, 500, -10, 2_000),
  numberInt: of(3, 3.5, 12, "4"),
  numberPositive: of(1, 5, -2),
  bool: of(true, false),
  email: of("ada@example.com", "ada@example", "ada", "ada @example.com", "ada@example..com"),
  emailOnly: of("ada@example.com", "ada@other.org"),
  url: of("https://example.com/a", "example", "not a url", "http:/example", "example.com"),
  urlOnly: of("https://example.com", "https://other.org"),
  editor: of("<p>short</p>", "<p>".padEnd(60, "x")),
  date: of("2024-05-06 07:08:09.123Z", "2024-05-06", "", "soon"),
  dateRange: of("2024-05-06 07:08:09.123Z", "1999-05-06", "2031-01-01 00:00:00.000Z"),
  select: of("red", "violet", ""),
  selectMany: of(["red"], ["red", "blue"], ["red", "green", "blue"], ["violet"], []),
  json: of({ a: 1 }, ["x".repeat(80)], null),
  geo: of({ lon: 12.5, lat: 41.9 }, { lon: 212, lat: 0 }, { lon: 0, lat: 99 }),
  password: of("secret", "s", "far too long for it", "with blank"),
};

/** A body as an app's own form makes it: no modifiers, no relations, one type for each field. */
export const formBody: fc.Arbitrary<DrawnBody> = fc
  .uniqueArray(fc.constantFrom(...Object.keys(FORM_FIELDS)), { minLength: 2, maxLength: 8 })
  .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, FORM_FIELDS[name] ?? odd]))))
  .map((body) => ({ collection: "everything", body }));
