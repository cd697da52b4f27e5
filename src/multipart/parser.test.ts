// The parser against honest bodies and hostile ones.
import { describe, expect, test } from "bun:test";
import { DISPOSITION, END, field, part, read, readText } from "../../tests/support/multipartKit.ts";
import { MultipartError, type MultipartFault } from "./multipartError.ts";
import { MultipartParser } from "./parser.ts";

describe("MultipartParser accepts", () => {
  test("MultipartParser reads text and files in order", () => {
    const file = part(`${DISPOSITION} name="f"; filename="a.txt"\r\nContent-Type: text/plain`, "hi\r\nho\n");
    expect(readText(field("a", "1") + file + field("é", "") + END)).toEqual({
      parts: [
        { name: "a", data: "1" },
        { name: "f", filename: "a.txt", contentType: "text/plain", data: "hi\r\nho\n" },
        { name: "é", data: "" },
      ],
      isEnded: true,
    });
  });

  const bodies: readonly (readonly [string, string])[] = [
    ["a body without parts", END],
    ["an end without its line end", field("a", "x") + END.slice(0, -2)],
    ["header names in any case", part('content-disposition: FORM-DATA; NAME="a"', "x") + END],
    ["other headers", part(`${DISPOSITION} name="a"\r\nX-Other: 1\r\nContent-Length: 1`, "x") + END],
    ["a bare name", part(`${DISPOSITION} name=a`, "x") + END],
    ["data of dashes and line ends", field("a", "\r\n--\r\n-\r--B\r\n\r\n--b\n--") + END],
  ];
  for (const [what, body] of bodies) {
    test(`MultipartParser accepts ${what}`, () => {
      const outcome = readText(body);
      expect(outcome.fault).toBeUndefined();
      expect(outcome.isEnded).toBe(true);
    });
  }

  test("MultipartParser reads parts that say their bytes are as they are", () => {
    for (const encoding of ["binary", "8bit", "7BIT"]) {
      const body = part(`${DISPOSITION} name="a"\r\ncontent-transfer-encoding: ${encoding}`, "x=41") + END;
      expect(readText(body)).toEqual({ parts: [{ name: "a", data: "x=41" }], isEnded: true });
    }
  });

  test("MultipartParser hands data on without copying it", () => {
    const body = Buffer.from(field("a", "x".repeat(1000)) + END);
    const views: unknown[] = [];
    const parser = new MultipartParser("BB", {
      part: () => undefined,
      data: (chunk) => views.push(chunk.buffer),
      partEnd: () => undefined,
      end: () => undefined,
    });
    parser.push(body);
    expect(views.length).toBe(1);
    expect(views[0]).toBe(body.buffer);
  });

  test("MultipartParser leaves alone what it has handed on whole, which is empty once it is sent", () => {
    let length = 0;
    const parser = new MultipartParser("BB", {
      part: () => undefined,
      data: (chunk) => {
        length += chunk.length;
        const { buffer } = chunk;
        if (buffer instanceof ArrayBuffer && chunk.length === buffer.byteLength) buffer.transfer(0);
      },
      partEnd: () => undefined,
      end: () => undefined,
    });
    const [head = "", tail = ""] = field("a", "?").split("?");
    for (const piece of [head, "x".repeat(5_000), "y".repeat(5_000), tail + END])
      parser.push(new Uint8Array(Buffer.from(piece)));
    parser.finish();
    expect(length).toBe(10_000);
  });
});

// What each runtime's own FormData and curl put on the wire, names with quotes and line ends included.
describe("MultipartParser accepts what clients send", () => {
  test("MultipartParser reads the FormData of this runtime", async () => {
    const form = new FormData();
    form.append('a"b\\c\r\nd', "v\n1");
    form.append("é", "ü");
    form.append("f", new File(["hi"], 'x"y\\z.txt', { type: "text/plain" }));
    form.append("e", new File([], ""));
    const response = new Response(form);
    const boundary = /boundary="?([^";]+)/.exec(response.headers.get("content-type") ?? "")?.[1] ?? "";
    const outcome = read([new Uint8Array(await response.arrayBuffer())], boundary);
    expect(outcome.fault).toBeUndefined();
    expect(outcome.parts.map(({ name, filename }) => [name, filename])).toEqual([
      ["a%22b\\c%0D%0Ad", undefined],
      ["é", undefined],
      ["f", "x%22y\\z.txt"],
      ["e", ""],
    ]);
  });

  test("MultipartParser reads node's FormData as recorded", () => {
    const b = "----formdata-undici-091228727023";
    const body =
      `--${b}\r\nContent-Disposition: form-data; name="requests.0.file"; filename="a.txt"\r\n` +
      `Content-Type: application/octet-stream\r\n\r\nhi\r\n--${b}\r\n` +
      `Content-Disposition: form-data; name="@jsonPayload"\r\n\r\n{"requests":[]}\r\n--${b}--\r\n`;
    expect(readText(body, b).parts.map(({ name }) => name)).toEqual(["requests.0.file", "@jsonPayload"]);
  });

  test("MultipartParser reads curl's form as recorded", () => {
    const b = "------------------------8115bc7d7266d20a";
    const body =
      `--${b}\r\nContent-Disposition: form-data; name="a%22b"\r\n\r\n1\r\n` +
      `--${b}\r\nContent-Disposition: form-data; name="f"; filename="q%22x.txt"\r\n` +
      `Content-Type: text/plain\r\n\r\nhi\n\r\n--${b}--\r\n`;
    expect(readText(body, b).parts.map(({ data }) => data)).toEqual(["1", "hi\n"]);
  });
});

describe("MultipartParser reads names as Go does", () => {
  const names: readonly (readonly [string, string])[] = [
    ['a\\"b', 'a"b'],
    ["a\\\\b", "a\\b"],
    ["C:\\x\\a.png", "C:\\x\\a.png"],
    ["a\\;b\\[0\\]", "a;b[0]"],
    ["a%22b", "a%22b"],
    ["a; filename=b", "a; filename=b"],
  ];
  for (const [written, name] of names) {
    test(`MultipartParser reads the name ${written}`, () => {
      expect(readText(field(written, "") + END).parts).toEqual([{ name, data: "" }]);
    });
  }
});

// Each row names the one fault it must be refused for; `parts` never holds the smuggled one.
const SMUGGLED = `${DISPOSITION} name="role"`;
const refused: readonly (readonly [string, MultipartFault, string])[] = [
  ["UP7 a boundary inside a line", "delimiter", field("a", `x--BB\r\n${SMUGGLED}\r\n\r\nadmin`) + END],
  ["UP7 a boundary after LF only", "delimiter", field("a", `x\n--BB\r\n${SMUGGLED}\r\n\r\nadmin`) + END],
  ["UP7 a boundary after CR only", "delimiter", field("a", `x\r--BB\r\n${SMUGGLED}\r\n\r\nadmin`) + END],
  [
    "UP7 a boundary after CR and no LF",
    "delimiter",
    field("a", `x\rx--BB\r\n${SMUGGLED}\r\n\r\nadmin`) + END,
  ],
  ["UP7 a boundary right after the headers", "delimiter", `--BB\r\n${DISPOSITION} name="a"\r\n\r\n${END}`],
  ["UP7 a field after the end", "epilogue", field("a", "x") + END + field("role", "admin") + END],
  ["UP7 text after the end", "epilogue", `${field("a", "x")}--BB--x`],
  ["UP7 a blank line after the end", "epilogue", `${field("a", "x") + END}\r\n`],
  ["UP7 half a line end after the end", "epilogue", `${field("a", "x")}--BB--\r`],
  ["UP7 line ends of LF only", "delimiter", (field("a", "x") + END).replaceAll("\r\n", "\n")],
  ["UP7 headers that end with LF only", "header", `--BB\r\n${DISPOSITION} name="a"\nX: y\r\n\r\nx\r\n${END}`],
  [
    "UP7 blanks after a boundary",
    "delimiter",
    field("a", "x") + field("b", "y").replace("BB\r\n", "BB \r\n") + END,
  ],
  ["UP7 a longer boundary", "delimiter", field("a", "x\r\n--BBx\r\ny") + END],
  [
    "UP7 a quoted-printable part",
    "encoding",
    part(`${DISPOSITION} name="a"\r\nContent-Transfer-Encoding: quoted-printable`, "=41") + END,
  ],
  [
    "a base64 transfer encoding",
    "encoding",
    part(`${DISPOSITION} name="a"\r\ncontent-transfer-encoding: base64`, "") + END,
  ],
  ["a preamble", "preamble", `junk\r\n${field("a", "x")}${END}`],
  ["a preamble that is a line end", "preamble", `\r\n${field("a", "x")}${END}`],
  ["a preamble with the boundary in it", "preamble", `junk--BB\r\n${END}`],
  ["another boundary", "preamble", field("a", "x").replaceAll("BB", "CC")],
  ["UP8 no final boundary", "incomplete", field("a", "x")],
  ["an empty body", "incomplete", ""],
  ["a body that ends in headers", "incomplete", `--BB\r\n${DISPOSITION}`],
  ["a body that ends in a boundary", "incomplete", `${field("a", "x")}--BB-`],
  [
    "UP6 filename*",
    "disposition",
    part(`${DISPOSITION} name="a"; filename="a.png"; filename*=UTF-8''b.html`, "") + END,
  ],
  ["filename* alone", "disposition", part(`${DISPOSITION} name="a"; filename*=UTF-8''b.html`, "") + END],
  ["UP6 two filenames", "disposition", part(`${DISPOSITION} name="a"; filename="a"; FileName="b"`, "") + END],
  ["two names", "disposition", part(`${DISPOSITION} name="a"; name="b"`, "") + END],
  ["an unknown parameter", "disposition", part(`${DISPOSITION} name="a"; x="b"`, "") + END],
  ["a trailing semicolon", "disposition", part(`${DISPOSITION} name="a";`, "") + END],
  ["an open quote", "disposition", part(`${DISPOSITION} name="a`, "") + END],
  ["another disposition", "disposition", part('Content-Disposition: attachment; name="a"', "") + END],
  [
    "a disposition that only starts alike",
    "disposition",
    part('Content-Disposition: form-datax; name="a"', "") + END,
  ],
  ["no disposition", "disposition", part("X-Other: 1", "") + END],
  ["no name", "name", part(`${DISPOSITION} filename="x"`, "") + END],
  ["an empty name", "name", part(`${DISPOSITION} name=""`, "") + END],
  ["a tab in a name", "name", field("a\tb", "") + END],
  ["a NUL in a name", "header", field("a\0b", "") + END],
  ["a C1 control in a filename", "header", part(`${DISPOSITION} name="a"; filename="a\u0085b"`, "") + END],
  ["UP5 a header in a filename", "header", part(`${DISPOSITION} name="a"; filename="a.png\r\nX"`, "") + END],
  ["two dispositions", "header", part(`${DISPOSITION} name="a"\r\n${DISPOSITION} name="b"`, "") + END],
  ["a folded header", "header", part(`${DISPOSITION}\r\n name="a"`, "") + END],
  ["a blank before the colon", "header", part('Content-Disposition : form-data; name="a"', "") + END],
  ["no headers at all", "header", `--BB\r\n\r\n${DISPOSITION}\r\n\r\nx\r\n${END}`],
  [
    "a nested multipart",
    "nested",
    part(`${DISPOSITION} name="a"\r\nContent-Type: Multipart/mixed; boundary=C`, "") + END,
  ],
  ["a nested message", "nested", part(`${DISPOSITION} name="a"\r\nContent-Type: message/rfc822`, "") + END],
  ["a type that is not ASCII", "header", part(`${DISPOSITION} name="a"\r\nContent-Type: té/xt`, "") + END],
  [
    "9 headers",
    "limit",
    part([`${DISPOSITION} name="a"`, ..."12345678"].map((l, i) => (i ? `X-${l}: 1` : l)).join("\r\n"), "") +
      END,
  ],
  ["4097 bytes of headers", "limit", part(`${DISPOSITION} name="a"\r\nX: ${"x".repeat(4097)}`, "") + END],
  ["101 parts", "limit", field("a", "x").repeat(101) + END],
];

describe("MultipartParser refuses", () => {
  for (const [what, fault, body] of refused) {
    test(`MultipartParser refuses ${what}, however it is cut`, () => {
      const bytes = Buffer.from(body);
      const outcome = read([bytes]);
      expect(outcome.fault).toBe(fault);
      expect(outcome.isEnded).toBe(false);
      expect(outcome.parts.some(({ name }) => name === "role")).toBe(false);
      expect(read(Array.from(bytes, (byte) => Uint8Array.of(byte))).fault).toBe(fault);
    });
  }

  test("MultipartParser refuses headers that are not UTF-8", () => {
    const body = Buffer.concat([
      Buffer.from(`--BB\r\n${DISPOSITION} name="a`),
      Buffer.from([0xff]),
      Buffer.from(`"\r\n\r\nx\r\n${END}`),
    ]);
    expect(read([body]).fault).toBe("header");
  });

  test("MultipartParser allows exactly its limits", () => {
    const headers = [`${DISPOSITION} name="a"`, ..."1234567".split("").map((n) => `X-${n}: 1`)].join("\r\n");
    expect(readText(part(headers, "x") + END).fault).toBeUndefined();
    const opening = `${DISPOSITION} name="a"\r\nX: `;
    const full = opening + "x".repeat(4096 - opening.length);
    expect(readText(part(full, "x") + END).fault).toBeUndefined();
    expect(readText(part(`${full}x`, "x") + END).fault).toBe("limit");
    expect(readText(field("a", "x").repeat(100) + END).parts.length).toBe(100);
    expect(read([Buffer.from(field("a", "x").repeat(3) + END)], "BB", { partsMax: 2 }).fault).toBe("limit");
  });

  test("MultipartParser takes nothing after an error or the end", () => {
    const events = {
      part: () => undefined,
      data: () => undefined,
      partEnd: () => undefined,
      end: () => undefined,
    };
    const parser = new MultipartParser("BB", events);
    expect(() => parser.push(Buffer.from("junk"))).toThrow(MultipartError);
    expect(() => parser.push(Buffer.from(END))).toThrow(TypeError);
    expect(() => parser.finish()).toThrow(TypeError);
    expect(() => new MultipartParser("", events)).toThrow(MultipartError);
  });
});
