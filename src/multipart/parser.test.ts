// The parser against honest bodies, hostile ones, and any way of cutting either into chunks.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { leastCpuMs } from "../../tests/support/cpuTime.ts";
import { MultipartError, type MultipartFault } from "./multipartError.ts";
import { type MultipartLimits, MultipartParser } from "./parser.ts";

interface Part {
  name: string;
  filename?: string;
  contentType?: string;
  data: string;
}
interface Outcome {
  parts: Part[];
  isEnded: boolean;
  fault?: MultipartFault;
}

/** Feeds `chunks` and collects parts; a MultipartError becomes `fault`, anything else is thrown. */
const read = (
  chunks: Iterable<Uint8Array>,
  boundary = "BB",
  limits: Partial<MultipartLimits> = {},
): Outcome => {
  const outcome: Outcome = { parts: [], isEnded: false };
  let data: Buffer[] = [];
  const parser = new MultipartParser(
    boundary,
    {
      part: (info) => {
        data = [];
        outcome.parts.push({ ...info, data: "open" });
      },
      data: (chunk) => {
        expect(chunk.length).toBeGreaterThan(0);
        data.push(Buffer.from(chunk));
      },
      partEnd: () => {
        const last = outcome.parts.at(-1);
        if (last !== undefined) last.data = Buffer.concat(data).toString("latin1");
      },
      end: () => {
        outcome.isEnded = true;
      },
    },
    limits,
  );
  try {
    for (const chunk of chunks) parser.push(chunk);
    parser.finish();
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error;
    expect(error.reason).toMatch(/^[A-Z].*\.$/);
    outcome.fault = error.fault;
  }
  return outcome;
};

const readText = (text: string, boundary?: string): Outcome => read([Buffer.from(text)], boundary);
const DISPOSITION = "Content-Disposition: form-data;";
const part = (headers: string, data: string): string => `--BB\r\n${headers}\r\n\r\n${data}\r\n`;
const field = (name: string, data: string): string => part(`${DISPOSITION} name="${name}"`, data);
const END = "--BB--\r\n";

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

// Bytes that are all pieces of delimiters, so that nearly every position is a near miss.
const nearMiss = fc.array(fc.constantFrom("\r", "\n", "\r\n", "-", "--", "B", "--B", "\r\n--B", "b", "\0"), {
  maxLength: 40,
});
const nameText = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .filter((s) => !/[\p{Cc}\p{Cs}"\\\u2028\u2029]/u.test(s));
const honestBody = fc
  .array(
    fc.record({ name: nameText, isFile: fc.boolean(), data: nearMiss.map((pieces) => pieces.join("")) }),
    { maxLength: 5 },
  )
  .filter((parts) => parts.every(({ data }) => !`\r\n${data}\r\n`.includes("--BB")))
  .map(
    (parts) =>
      parts
        .map(({ name, isFile, data }) =>
          part(`${DISPOSITION} name="${name}"${isFile ? '; filename="f"\r\nContent-Type: a/b' : ""}`, data),
        )
        .join("") + END,
  );

const cut = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const points = [...new Set(cuts.map((point) => point % (bytes.length + 1)))].sort((a, b) => a - b);
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const to of [...points, bytes.length]) {
    chunks.push(bytes.subarray(from, to));
    from = to;
  }
  return chunks;
};

describe("MultipartParser properties", () => {
  test("MultipartParser gives the same events for any cut of a valid body", () => {
    fc.assert(
      fc.property(honestBody, fc.array(fc.nat(5000), { maxLength: 30 }), (body, cuts) => {
        const whole = readText(body);
        expect(whole.fault).toBeUndefined();
        expect(read(cut(Buffer.from(body), cuts))).toEqual(whole);
      }),
      { numRuns: 400 },
    );
  });

  test("MultipartParser gives the same outcome for any cut of a mutated body, and never crashes", () => {
    const mutation = fc.record({
      at: fc.nat(5000),
      drop: fc.nat(6),
      insert: nearMiss.map((pieces) => pieces.slice(0, 4).join("")),
    });
    fc.assert(
      fc.property(
        honestBody,
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(5000), { maxLength: 20 }),
        (body, mutations, cuts) => {
          let mutated = body;
          for (const { at, drop, insert } of mutations) {
            const start = at % (mutated.length + 1);
            mutated = mutated.slice(0, start) + insert + mutated.slice(start + drop);
          }
          const bytes = Buffer.from(mutated);
          const whole = read([bytes]);
          const pieces = read(cut(bytes, cuts));
          expect([pieces.fault, pieces.isEnded]).toEqual([whole.fault, whole.isEnded]);
        },
      ),
      { numRuns: 600 },
    );
  });

  test("MultipartParser never crashes on random bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (chunks) => {
        expect(read([Buffer.from(`--BB\r\n${DISPOSITION} name="a"\r\n\r\n`), ...chunks]).isEnded).toBe(false);
        read(chunks);
      }),
      { numRuns: 300 },
    );
  });
});

describe("MultipartParser cost", () => {
  const N = 10_000_000;
  const opening = Buffer.from(`--${"-".repeat(35)}a${"-".repeat(34)}\r\n${DISPOSITION} name="a"\r\n\r\n`);
  const boundary = `${"-".repeat(35)}a${"-".repeat(34)}`;
  const hostile: readonly (readonly [string, Buffer])[] = [
    ["dashes", Buffer.alloc(N, "-")],
    ["almost the boundary", Buffer.alloc(N, `\r\n${"-".repeat(36)}a${"-".repeat(30)}x`)],
    ["short runs of dashes", Buffer.alloc(N, `${"-".repeat(35)}a`)],
    ["line ends", Buffer.alloc(N, "\r\n")],
    ["starts of the boundary", Buffer.alloc(N, "\r\n--")],
  ];
  for (const [what, data] of hostile) {
    test(`UP8 MultipartParser reads 10 MB of ${what} in 64 KiB chunks within 150 ms`, () => {
      const chunks: Uint8Array[] = [opening];
      for (let at = 0; at < N; at += 65_536) chunks.push(data.subarray(at, at + 65_536));
      let bytes = 0;
      const parse = (): void => {
        bytes = 0;
        const parser = new MultipartParser(boundary, {
          part: () => undefined,
          data: (chunk) => {
            bytes += chunk.length;
          },
          partEnd: () => undefined,
          end: () => undefined,
        });
        for (const chunk of chunks) parser.push(chunk);
      };
      expect(leastCpuMs(parse, 150)).toBeLessThan(150);
      expect(bytes).toBeGreaterThan(N - 100);
    });
  }

  const early: readonly (readonly [string, Buffer, MultipartFault | undefined])[] = [
    ["10^5 parts", Buffer.from(field("a", "x").repeat(100_000)), "limit"],
    [
      "10^6 fields without data",
      Buffer.from(`--BB\r\n${DISPOSITION} name=a\r\n\r\n\r\n`.repeat(1_000_000)),
      "limit",
    ],
    ["a 10 MB header", Buffer.from(`--BB\r\n${DISPOSITION} name="${"a".repeat(N)}`), "limit"],
    [
      "100 headers of blanks",
      Buffer.from(part(`${DISPOSITION} name="a"\r\nX:${" ".repeat(3900)}x`, "").repeat(100) + END),
      undefined,
    ],
  ];
  for (const [what, body, fault] of early) {
    test(`UP8 MultipartParser settles ${what} within 50 ms`, () => {
      expect(leastCpuMs(() => read([body]), 50)).toBeLessThan(50);
      expect(read([body])).toEqual(
        expect.objectContaining(fault === undefined ? { isEnded: true } : { fault }),
      );
    });
  }

  test("MultipartParser takes linear time byte by byte", () => {
    const bytes = Buffer.from(field("a", "\r\n--B-".repeat(20_000)) + END);
    const pieces = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(leastCpuMs(() => read(pieces), 2_000)).toBeLessThan(2_000);
    expect(read(pieces).fault).toBeUndefined();
  });
});
