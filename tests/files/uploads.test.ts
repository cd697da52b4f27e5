// Uploads through Hapta: what PocketBase says about them, and that what breaks off leaves nothing behind.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RawClient } from "../adversarial/rawClient.ts";
import { eventually } from "../support/eventually.ts";
import { drawPng } from "../support/fixture/png.ts";
import { IDS } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { type Scenario, testScenarios } from "../support/scenario.ts";
import { describeTargets } from "../support/targets.ts";
import { WireConnection } from "../support/wire.ts";

const NOTICES = "/api/collections/notices/records";

type Entry = readonly [name: string, value: string | Blob, filename?: string];

const form = (...entries: readonly Entry[]): FormData => {
  const data = new FormData();
  for (const [name, value, filename] of entries)
    if (typeof value === "string") data.append(name, value);
    else data.append(name, value, filename ?? "a.txt");
  return data;
};

const file = (bytes = 10, letter = "x"): Blob => new Blob([letter.repeat(bytes)]);

const scenarios: readonly Scenario[] = [
  {
    name: "a form with a file makes a record",
    method: "POST",
    path: NOTICES,
    form: form(["title", "one"], ["blob", file(), "My Pic (1).TXT"]),
    status: 200,
    contains: ['"blob":["my_pic_1_'],
  },
  {
    name: "UP5 a path in a name is stripped",
    method: "POST",
    path: NOTICES,
    form: form(["title", "one"], ["blob", file(), "../../..\\evil.txt"]),
    status: 200,
    lacks: ["..", "\\"],
  },
  {
    name: "UP5 a name of 4000 letters is cut",
    method: "POST",
    path: NOTICES,
    form: form(["title", "one"], ["blob", file(), `${"n".repeat(3_800)}.txt`]),
    status: 200,
  },
  {
    name: "a file over its limit beside a missing field gets both errors",
    method: "POST",
    path: NOTICES,
    form: form(["blob", file(8_000_001), "big.bin"]),
    status: 400,
    contains: ['"validation_file_size_limit"', '"validation_required"', "8000000"],
  },
  {
    name: "too many files",
    method: "POST",
    path: NOTICES,
    form: form(["title", "x"], ["blob", file()], ["blob", file()], ["blob", file()], ["blob", file()]),
    status: 400,
    contains: ['"validation_too_many_files"'],
  },
  {
    name: "UP6 html as image/png",
    as: "ada",
    method: "PATCH",
    path: `/api/collections/members/records/${IDS.ada}`,
    form: form(["avatar", new Blob(["<html>"], { type: "image/png" }), "a.png"]),
    status: 400,
    contains: ['"validation_invalid_mime_type"'],
  },
  {
    name: "a denied caller hears of the rule, not of the file",
    method: "POST",
    path: "/api/collections/ledgers/records",
    form: form(["line", file(100_000)]),
    status: 403,
  },
  {
    name: "a missing record comes before the file",
    method: "PATCH",
    path: `${NOTICES}/nosuchrecord000`,
    form: form(["blob", file(8_000_001)]),
    status: 404,
  },
  {
    name: "a missing collection comes before the file",
    method: "POST",
    path: "/api/collections/nosuch/records",
    form: form(["blob", file(100)]),
    status: 404,
  },
  {
    name: "a plain name replaces, a plus appends, a minus removes",
    method: "PATCH",
    path: `${NOTICES}/notice000000001`,
    form: form(["blob", file(1), "first.txt"]),
    status: 200,
    afterwards: async (_, target) => {
      const patch = async (...entries: readonly Entry[]): Promise<string[]> => {
        const init = { method: "PATCH", body: form(...entries) };
        const saved: unknown = await (await fetch(`${target.url}${NOTICES}/notice000000001`, init)).json();
        return String(Reflect.get(Object(saved), "blob")).split(",");
      };
      const [first = ""] = await patch(["blob", file(1), "first.txt"]);
      const three = await patch(["blob+", file(1), "end.txt"], ["+blob", file(1), "start.txt"]);
      expect(three.map((name) => name.split("_")[0])).toEqual(["start", "first", "end"]);
      const two = await patch(["blob-", first]);
      expect(two).toHaveLength(2);
      const kept = await patch(["blob", two[0] ?? ""], ["blob", file(1), "next.txt"]);
      expect(kept[0]).toBe(two[0] ?? "");
      expect(kept).toHaveLength(2);
    },
  },
  {
    name: "JSON parts fill what plain ones cannot say",
    method: "POST",
    path: NOTICES,
    form: form(["@jsonPayload", '{"title":"json","meta":{"a":[1]}}'], ["blob", file()]),
    status: 200,
    contains: ['"meta":{"a":[1]}', '"title":"json"'],
  },
];

describeTargets("uploads", (target) => testScenarios(target, scenarios));

let pocketbase: PocketBase;
let hapta: Hapta;
beforeAll(async () => {
  pocketbase = await startPocketBase();
  hapta = await startHapta(pocketbase, {
    configText: `Files: { Inspect: async (stream, meta) => {
      const text = await new Response(stream).text();
      return text.includes("EICAR") ? "A virus in " + meta.collection + "/" + meta.field + "." : true;
    } }`,
  });
}, 60_000);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pocketbase[Symbol.asyncDispose]();
});

const countOf = async (title: string): Promise<number> => {
  const query = new URLSearchParams({ filter: `title = "${title}"`, fields: "id" });
  const list: unknown = await (await fetch(`${pocketbase.url}${NOTICES}?${query}`)).json();
  return Number(Reflect.get(Object(list), "totalItems"));
};

const upload = (data: FormData): Promise<Response> =>
  fetch(hapta.url + NOTICES, { method: "POST", body: data });

const HEAD = `POST ${NOTICES} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=BB\r\n`;
const PARTS = (title: string): string =>
  `--BB\r\nContent-Disposition: form-data; name="title"\r\n\r\n${title}\r\n` +
  '--BB\r\nContent-Disposition: form-data; name="blob"; filename="a.txt"\r\n\r\nfile';

describe("uploads", () => {
  test("a body over PocketBase's limit is refused at its head", async () => {
    using client = await RawClient.open(hapta.port);
    client.write(`${HEAD}Content-Length: 70000000\r\n\r\n`);
    await eventually(() => client.receivedBytes > 0, 10_000);
    expect(client.text).toContain('{"data":{},"message":"Request entity too large.","status":413}');
  });

  test("Files.Inspect lets a file pass", async () => {
    const answer = await upload(form(["title", "clean"], ["blob", file()]));
    expect([answer.status, await countOf("clean")]).toEqual([200, 1]);
  });

  test("Files.Inspect refuses a file, and nothing is stored", async () => {
    const answer = await upload(form(["title", "dirty"], ["blob", new Blob(["EICAR"])]));
    expect([answer.status, answer.headers.get("X-Hapta-Error")]).toEqual([400, "file_refused"]);
    expect(await answer.json()).toEqual({
      data: { blob: { code: "validation_file_refused", message: "A virus in notices/blob." } },
      message: "The file is not accepted.",
      status: 400,
    });
    expect(await countOf("dirty")).toBe(0);
  });

  const batch = (title: string, bytes: Blob): Promise<Response> => {
    const requests = [
      { method: "POST", url: NOTICES, body: { title: `${title} before` } },
      { method: "POST", url: NOTICES, body: { title } },
    ];
    const data = form(["@jsonPayload", JSON.stringify({ requests })], ["requests.1.blob", bytes, "a.png"]);
    return fetch(`${hapta.url}/api/batch`, { method: "POST", body: data });
  };

  test("Files.Inspect looks into the files of batches, too", async () => {
    expect([(await batch("clean batch", file())).status, await countOf("clean batch")]).toEqual([200, 1]);
    const answer = await batch("dirty batch", new Blob(["EICAR"]));
    expect([answer.status, await answer.json()]).toEqual([
      400,
      {
        data: { blob: { code: "validation_file_refused", message: "A virus in notices/blob." } },
        message: "The file is not accepted.",
        status: 400,
      },
    ]);
    expect([await countOf("dirty batch"), await countOf("dirty batch before")]).toEqual([0, 0]);
  });

  test("UP2 a picture in a batch may not stand for too many pixels either", async () => {
    const picture = Buffer.from(drawPng(2, 2));
    picture.writeUInt32BE(60_000, 16);
    picture.writeUInt32BE(60_000, 20);
    const answer = await batch("flood batch", new Blob([new Uint8Array(picture)]));
    expect([answer.status, answer.headers.get("X-Hapta-Error")]).toEqual([400, "file_refused"]);
    expect(await countOf("flood batch")).toBe(0);
  });

  const broken: Readonly<Record<string, string>> = {
    "UP7 a field behind the end": `${PARTS("odd")}\r\n--BB--\r\n--BB\r\nContent-Disposition: form-data; name="done"\r\n\r\ntrue\r\n--BB--\r\n`,
    "UP7 LF only": `${PARTS("odd")}\r\n--BB--\r\n`.replaceAll("\r\n", "\n"),
    "UP7 another encoding": `${PARTS("odd").replace("\r\n\r\nodd", "\r\nContent-Transfer-Encoding: base64\r\n\r\nb2Rk")}\r\n--BB--\r\n`,
    "UP8 no end": PARTS("odd"),
    "UP8 too many parts": `${'--BB\r\nContent-Disposition: form-data; name="title"\r\n\r\nodd\r\n'.repeat(1_100)}--BB--\r\n`,
  };
  for (const [name, body] of Object.entries(broken))
    test(`${name} is refused whole`, async () => {
      using wire = new WireConnection(hapta.url);
      const headers = [["Content-Type", "multipart/form-data; boundary=BB"]] as const;
      const answer = await wire.send({ method: "POST", path: NOTICES, headers, body });
      expect([answer.status, await countOf("odd")]).toEqual([400, 0]);
    });

  test("UP9 UP10 clients that go away in mid-upload leave nothing behind", async () => {
    for (let i = 0; i < 200; i++) {
      using client = await RawClient.open(hapta.port);
      client.write(`${HEAD}Content-Length: 100000\r\n\r\n${PARTS("gone")}`);
      await new Promise((resolve) => setImmediate(resolve));
      client.socket.resetAndDestroy();
    }
    expect((await upload(form(["title", "after"], ["blob", file()]))).status).toBe(200);
    expect(await countOf("gone")).toBe(0);
  });
});
