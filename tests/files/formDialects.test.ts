// Forms in every spelling that readers of them disagree about, generated, to PocketBase and through Hapta: what Hapta lets
// pass is the same record, field for field; what it refuses is nowhere.
import { expect, test } from "bun:test";
import { useGateway } from "../support/gateway.ts";
import { createRandom } from "../support/random.ts";
import { WireConnection } from "../support/wire.ts";

const RUNS = 400;
const NOTICES = "/api/collections/notices/records";

const gateway = useGateway();

type Pick = <T>(list: readonly [T, ...T[]]) => T;

const TITLES = [
  'name="title"',
  "name=title",
  'NAME="title"',
  'name="ti\\tle"',
  'name="\\"title\\""',
] as const;
const FILES = [
  'name="blob"; filename="a.txt"',
  'filename="a.txt"; name="blob"',
  "name=blob; filename=a.txt",
  'name="blob"; FileName="a.txt"',
  'name="blob"; filename="C:\\dir\\a.txt"',
  'name="blob"; filename="a\\"b.txt"',
  'name="blob"; filename="a%22b.txt"',
  'name="blob"; filename="../a.txt"',
  'name="blob"; filename="a; name=title.txt"',
  'name="blob"; filename="\u00e9\u202e.txt"',
  'name="blob"; filename="=?utf-8?B?YS50eHQ=?="',
  'name="blob"; filename=""',
  'name="blob+"; filename="a.txt"',
  'name="+blob"; filename="a.txt"',
  'name="blob-"; filename="a.txt"',
  'name="blob "; filename="a.txt"',
  'name="title"; filename="a.txt"',
] as const;
const ODD_FILES = [
  'name="blob"; filename',
  'name="blob"; filename="a.txt"; filename="b.html"',
  "name=\"blob\"; filename*=UTF-8''b.html",
  'name="blob"; filename="a.txt"; filename*=UTF-8\'\'b.html',
  'name="blob"; filename*0="a"; filename*1=".txt"',
  'name*=UTF-8\'\'title; name="blob"; filename="a.txt"',
  'name="blob"; name="title"; filename="a.txt"',
  'name="blob"; filename="a.txt',
  'name="blob"; filename="a.txt";',
] as const;
const MORE = [
  "",
  "",
  "",
  "X-Other: 1\r\n",
  "Content-Type: text/plain\r\n",
  "Content-Transfer-Encoding: binary\r\n",
] as const;
const ODD_MORE = [
  "Content-Type: multipart/mixed; boundary=BB\r\n",
  "Content-Transfer-Encoding: quoted-printable\r\n",
  "Content-Transfer-Encoding: base64\r\n",
  'Content-Disposition: form-data; name="done"\r\n',
  ' folded="yes"\r\n',
  "Content-Type : text/html\r\n",
  "X-Nul: a\0b\r\n",
  ": nothing\r\n",
] as const;
const DATA = ["one", "", "true", "a=3Db", "\r\n", "-", "\r\n--", "\n-B", "\0", "\ufeff"] as const;
const ODD_DATA = ["\n--BB", "\r\n--BB x", "--BB--", "a\r\n--BBB\r\nb"] as const;
const HEAD_NAMES = [
  "Content-Disposition: ",
  "content-disposition:",
  "Content-Disposition:\t",
  "Content-Disposition : ",
] as const;

const TYPES_OF_PART = ["form-data; ", "form-data;", "FORM-DATA; ", "form-data ; ", "attachment; "] as const;

const partOf = (random: () => number, pick: Pick): string => {
  const isOdd = (): boolean => random() < 0.05;
  const file = isOdd() ? pick(ODD_FILES) : pick(FILES);
  const parameters = random() < 0.3 ? pick(TITLES) : file;
  const name = isOdd() ? pick(HEAD_NAMES) : HEAD_NAMES[0];
  const type = isOdd() ? pick(TYPES_OF_PART) : TYPES_OF_PART[0];
  const more = isOdd() ? pick(ODD_MORE) : pick(MORE);
  const [first, second] = random() < 0.8 ? ["", more] : [more, ""];
  const data = isOdd() ? pick(ODD_DATA) : pick(DATA);
  return `--BB\r\n${first}${name}${type}${parameters}\r\n${second}\r\n${data}\r\n`;
};

/** Whole bodies, most of them with one oddity. */
const randomBody = (random: () => number): string => {
  const pick: Pick = (list) => list[Math.floor(random() * list.length)] ?? list[0];
  const parts = [`--BB\r\nContent-Disposition: form-data; name="title"\r\n\r\nfirst\r\n`];
  for (let i = Math.floor(random() * 3); i >= 0; i--) parts.push(partOf(random, pick));
  if (random() < 0.15)
    parts.push(
      `--BB\r\nContent-Disposition: form-data; name="@jsonPayload"\r\n\r\n{"title":"json","done":true}\r\n`,
    );
  const whole = `${parts.join("")}--BB--\r\n`;
  const change = random();
  if (change < 0.8) return whole;
  return pick([
    `hello\r\n${whole}`,
    `\r\n${whole}`,
    `${whole}--BB\r\nContent-Disposition: form-data; name="done"\r\n\r\ntrue\r\n--BB--\r\n`,
    `${whole}epilogue`,
    whole.replaceAll("\r\n", "\n"),
    whole.replace("--BB--\r\n", "--BB--"),
    whole.replace("--BB--\r\n", "--BB-- \r\n"),
    whole.replaceAll("--BB\r\n", "--BB \r\n"),
    whole.replace("--BB--\r\n", ""),
    whole.replace("first\r\n", "first\n"),
  ]);
};
const TYPES = [
  "multipart/form-data; boundary=BB",
  'multipart/form-data; boundary="BB"',
  "multipart/form-data;boundary=BB; charset=utf-8",
] as const;
const ODD_TYPES = [
  "multipart/form-data; boundary=BB; boundary=CC",
  "Multipart/Form-Data; boundary=BB",
  "multipart/form-data; boundary=bb",
  "multipart/form-data; boundary=B",
  "multipart/form-data",
  "multipart/mixed; boundary=BB",
  'multipart/form-data; boundary="B\\B"',
] as const;

const UNLIKE = new Set(["id", "created", "updated"]);
/** What became of a form, without what PocketBase draws anew each time. */
const outcomeOf = ({ status, text }: { readonly status: number; readonly text: string }): string => {
  const json: unknown = text.startsWith("{") ? JSON.parse(text) : {};
  const rest = Object.entries(Object(json)).filter(([name]) => !UNLIKE.has(name));
  const drawn = /_[a-z0-9]{10}(?=[."])/g;
  // Of short names it draws the first half, too.
  const shortDrawn = /"([a-z0-9]{0,2})[a-z0-9]{10}_RANDOM/g;
  return `${status} ${JSON.stringify(rest).replace(drawn, "_RANDOM").replace(shortDrawn, '"$1RANDOM')}`;
};

const total = async (): Promise<number> => {
  const list: unknown = await (await fetch(`${gateway.pocketbase.url}${NOTICES}?fields=id`)).json();
  return Number(Reflect.get(Object(list), "totalItems"));
};

test("UP7 what is let pass is read alike, and what is refused is stored nowhere", async () => {
  const random = createRandom(7);
  const pick: Pick = (list) => list[Math.floor(random() * list.length)] ?? list[0];
  using plain = new WireConnection(gateway.pocketbase.url);
  using through = new WireConnection(gateway.hapta.url);
  const counts = { alike: 0, refused: 0, stored: 0 };
  for (let i = 0; i < RUNS; i++) {
    const type = random() < 0.9 ? pick(TYPES) : pick(ODD_TYPES);
    const request = {
      method: "POST",
      path: NOTICES,
      headers: [["Content-Type", type]],
      body: randomBody(random),
    } as const;
    const own = await plain.send(request);
    const before = await total();
    const given = await through.send(request);
    const isRefused = given.headers.some(([name]) => name.toLowerCase() === "x-hapta-error");
    if (isRefused) {
      expect([request.body, given.status, await total()]).toEqual([request.body, 400, before]);
      counts.refused += 1;
      continue;
    }
    expect([type, request.body, outcomeOf(given)]).toEqual([type, request.body, outcomeOf(own)]);
    counts.alike += 1;
    if (given.status === 200) counts.stored += 1;
  }
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(100);
});
