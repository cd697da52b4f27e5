// Bad input of every kind over HTTP: a clear answer each, and less than 5 ms of Hapta's CPU. JSON bodies of records have a
// file of their own (bombs.test.ts), and so have forms that are hostile to readers (tests/files/hostileForms.test.ts).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { WireConnection, type WireRequest } from "../support/wire.ts";
import { type Pair, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair[Symbol.asyncDispose]());

const NOTICES = "/api/collections/notices/records";
const LOGIN = "/api/collections/members/auth-with-password";
const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";
const PARTS_TYPE = "multipart/form-data; boundary=BB";
const TIMES = 40;
const ROUNDS = 4;
/** What the kernel counts CPU time in. */
const TICK_MS = 10;
const CPU_MS_MAX = 5;

const post = (path: string, type: string, body: string | Uint8Array): WireRequest => ({
  method: "POST",
  path,
  headers: [["Content-Type", type]],
  body,
});
const part = (name: string, value: string, more = ""): string =>
  `--BB\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
const parts = (...all: readonly string[]): string => `${all.join("")}--BB--\r\n`;
const text = (length: number): string => "x".repeat(length);

/** CPU time of a process so far; Hapta's when none is named. */
const cpuMs = (pid = pair.hapta.child.pid): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};

/** The statuses of many of these requests, each once, and what one costs Hapta: the least of a few rounds, for a busy machine adds to it. */
const answered = async (request: WireRequest) => {
  using connection = new WireConnection(pair.hapta.url);
  const statuses = new Set<number>();
  // The first ones pay for compiling.
  for (let at = 0; at < 10; at++) await connection.send(request);
  let costMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && costMs >= CPU_MS_MAX; round++) {
    const before = cpuMs();
    for (let at = 0; at < TIMES; at++) statuses.add((await connection.send(request)).status);
    costMs = Math.min(costMs, (cpuMs() - before) / TIMES);
  }
  return { statuses: [...statuses], costMs };
};

const BAD: readonly (readonly [name: string, status: number, request: WireRequest])[] = [
  ["a login of 65 levels", 400, post(LOGIN, JSON_TYPE, `{"identity":${"[".repeat(65)}${"]".repeat(65)}}`)],
  ["a login of 500,000 levels", 400, post(LOGIN, JSON_TYPE, `{"a":${"[".repeat(500_000)}`)],
  ["a login with 100,000 members", 400, post(LOGIN, JSON_TYPE, `{${`"a":1,`.repeat(100_000)}"b":1}`)],
  [
    "a login with a member twice",
    400,
    post(LOGIN, JSON_TYPE, '{"identity":"a","IDENTITY":"b","password":"c"}'),
  ],
  ["a login named __proto__", 400, post(LOGIN, JSON_TYPE, '{"__proto__":{"identity":"a","password":"b"}}')],
  ["a login of a megabyte of lists", 400, post(LOGIN, JSON_TYPE, `{"a":[${"[],".repeat(330_000)}[]]}`)],
  [
    "a login that is no UTF-8",
    400,
    post(LOGIN, JSON_TYPE, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
  ],
  ["a login with NaN", 400, post(LOGIN, JSON_TYPE, '{"identity":NaN}')],
  ["a login with 1e999", 400, post(LOGIN, JSON_TYPE, '{"identity":1e999,"password":"x"}')],
  ["a login as text", 415, post(LOGIN, "text/plain", "identity=a")],
  ["a login as XML", 415, post(LOGIN, "application/xml", "<a/>")],
  [
    "a batch of 65 levels",
    400,
    post("/api/batch", JSON_TYPE, `{"requests":${"[".repeat(70)}${"]".repeat(70)}}`),
  ],
  ["a batch with 20,000 members", 400, post("/api/batch", JSON_TYPE, `{${`"a":1,`.repeat(20_000)}"b":1}`)],
  [
    "a batch over every limit",
    413,
    {
      ...post("/api/batch", JSON_TYPE, "{}"),
      headers: [
        ["Content-Type", JSON_TYPE],
        ["Content-Length", "99999999999"],
      ],
    },
  ],
  [
    "a subscription of lists",
    400,
    post("/api/realtime", JSON_TYPE, `{"clientId":"a","subscriptions":[${"[],".repeat(20_000)}[]]}`),
  ],
  ["a record as text", 400, post(NOTICES, "text/plain", '{"title":"a"}')],
  ["a record with a type that is none", 400, post(NOTICES, "Application/JSON", '{"title":"a"}')],
  [
    "a record with 21,000 times one field",
    400,
    post(NOTICES, FORM_TYPE, `${"tags=nope&".repeat(6_000)}title=a`),
  ],
  [
    "a record with 9,000 fields",
    400,
    post(NOTICES, FORM_TYPE, `${Array.from({ length: 9_000 }, (_, at) => `k${at}`).join("&")}`),
  ],
  [
    "a record with 1,000 parts",
    400,
    post(NOTICES, PARTS_TYPE, parts(...Array.from({ length: 1_000 }, (_, at) => part(`a${at}`, "1")))),
  ],
  [
    "a record with a field behind the end",
    400,
    post(NOTICES, PARTS_TYPE, `${parts(part("title", "a"))}${part("count", "1")}`),
  ],
  [
    "a record with a boundary that is not at a line's start",
    400,
    post(NOTICES, PARTS_TYPE, parts(`x${part("title", "a")}`)),
  ],
  [
    "a record with bare line feeds",
    400,
    post(NOTICES, PARTS_TYPE, parts(part("title", "a")).replaceAll("\r\n", "\n")),
  ],
  [
    "a record with an encoded part",
    400,
    post(NOTICES, PARTS_TYPE, parts(part("title", "=61", "\r\nContent-Transfer-Encoding: quoted-printable"))),
  ],
  [
    "a record with two names for a part",
    400,
    post(NOTICES, PARTS_TYPE, parts(part("title", "a", '; name="count"'))),
  ],
  [
    "a record with an extended file name",
    400,
    post(NOTICES, PARTS_TYPE, parts(part("blob", "a", "; filename*=UTF-8''b.html"))),
  ],
  ["a record without a final boundary", 400, post(NOTICES, PARTS_TYPE, part("title", "a"))],
  ["a record with a payload that is none", 400, post(NOTICES, PARTS_TYPE, parts(part("@jsonPayload", "[1")))],
  [
    "a record in gzip",
    415,
    {
      ...post(NOTICES, JSON_TYPE, "x"),
      headers: [
        ["Content-Type", JSON_TYPE],
        ["Content-Encoding", "gzip"],
      ],
    },
  ],
];

describe("bad input gets a clear answer and costs little:", () => {
  for (const [name, status, request] of BAD)
    test(`${name}: ${status}`, async () => {
      const { statuses, costMs } = await answered(request);
      expect(statuses).toEqual([status]);
      expect([name, costMs, costMs < CPU_MS_MAX]).toEqual([name, costMs, true]);
    });

  test("a login that is announced with 10 MB: 413", async () => {
    const headers = [
      ["Content-Type", JSON_TYPE],
      ["Content-Length", "10000000"],
    ] as const;
    const { statuses, costMs } = await answered({ method: "POST", path: LOGIN, headers });
    expect([statuses, costMs < CPU_MS_MAX]).toEqual([[413], true]);
  });

  // Most of it stays in the client's buffers and the kernel's.
  test("a login that is sent with 10 MB all the same: 413", async () => {
    const { statuses, costMs } = await answered(post(LOGIN, JSON_TYPE, `{"identity":"${text(10_000_000)}"}`));
    expect([statuses, costMs, costMs < CPU_MS_MAX]).toEqual([[413], costMs, true]);
  });

  // PocketBase takes such bodies, where a field has room for them: this one is passed on and is its to refuse.
  test("a record of 10 MB: PocketBase's 400, and less of Hapta's CPU than of PocketBase's", async () => {
    const request = post(NOTICES, JSON_TYPE, `{"title":"${'\\"'.repeat(5_000_000)}"}`);
    using connection = new WireConnection(pair.hapta.url);
    const before = [cpuMs(), cpuMs(pair.pb.child.pid)] as const;
    const answers = [];
    for (let at = 0; at < 6; at++) answers.push(await connection.send(request));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 400));
    expect(answers[0]?.text).toContain("validation_max_text_constraint");
    const [own, upstream] = [cpuMs() - before[0], cpuMs(pair.pb.child.pid) - before[1]];
    expect([own, upstream, own < upstream]).toEqual([own, upstream, true]);
  });

  test("a body on a GET never reaches PocketBase, and changes nothing", async () => {
    const plain = { path: `${NOTICES}?sort=id` };
    const { statuses, costMs } = await answered({
      ...plain,
      headers: [["Content-Type", "text/plain"]],
      body: text(1_000),
    });
    // PocketBase would refuse it for its type.
    expect([statuses, costMs < CPU_MS_MAX]).toEqual([[200], true]);
    using connection = new WireConnection(pair.hapta.url);
    const one = await connection.send({ ...plain, headers: [["Content-Type", JSON_TYPE]], body: '{"x":1}' });
    expect(one.text).toBe((await connection.send(plain)).text);
  });
});
