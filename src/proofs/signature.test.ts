import { describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import { leastCpuMs } from "../../tests/support/cpuTime.ts";
import { createSignatureCheck, type SignatureResult, type SignedMessage } from "./signature.ts";
import { UsedNonces } from "./usedNonces.ts";

const NOW = Date.UTC(2026, 0, 15, 12);
const WINDOW = 60_000;
const SECRET = "0123456789abcdef0123456789abcdef";
const APPS = [
  { id: "web", secrets: ["the-next-one-0123456789abcdefghij", SECRET] },
  { id: "ssr", secrets: ["another-secret-of-another-app-0123"] },
];

let nonces = 0;
const setUp = () => {
  const clock = { nowMs: NOW };
  const used = new UsedNonces({ windowMs: WINDOW, perOwnerMax: 100, totalMax: 100 }, NOW - WINDOW);
  return {
    clock,
    check: createSignatureCheck({ apps: APPS, used, now: () => clock.nowMs, windowMs: WINDOW }),
  };
};

const digestOf = (body: string): string => createHash("sha256").update(body).digest("base64");

interface Plan {
  readonly message?: Partial<SignedMessage>;
  readonly components?: readonly string[];
  readonly params?: string;
  readonly secret?: string;
  readonly created?: number;
}

const BODY = '{"title":"a"}';
const POST: SignedMessage = {
  method: "POST",
  path: "/api/collections/posts/records",
  query: "expand=author&fields=id",
  headers: ["Content-Type", "application/json", "Content-Digest", `sha-256=:${digestOf(BODY)}:`],
  authorizations: ["aaa.bbb.ccc"],
  hasBody: true,
  bodyDigest: digestOf(BODY),
};
const GET: SignedMessage = {
  ...POST,
  method: "GET",
  query: "",
  headers: [],
  authorizations: [],
  hasBody: false,
  bodyDigest: undefined,
};
const ALL = ["@method", "@path", "@query", "authorization", "content-type", "content-digest"];
const TARGET = ["@method", "@path", "@query"];

// Written from RFC 9421 and not from the code under test.
const sign = (
  target: SignedMessage,
  { components = ALL, params, secret = SECRET, created = NOW / 1000 }: Plan = {},
): SignedMessage => {
  nonces += 1;
  const list = components.map((name) => `"${name}"`).join(" ");
  const nonce = `nonce-number-${String(nonces).padStart(6, "0")}`;
  const tail = params ?? `;created=${created};nonce="${nonce}";keyid="web"`;
  const partOf = (name: string): string => {
    if (name === "@method") return target.method;
    if (name === "@path") return target.path;
    if (name === "@query") return `?${target.query}`;
    if (name === "authorization") return target.authorizations[0] ?? "";
    const at = target.headers.findIndex((one) => one.toLowerCase() === name);
    return target.headers[at + 1] ?? "";
  };
  const base = [
    ...components.map((name) => `"${name}": ${partOf(name)}`),
    `"@signature-params": (${list})${tail}`,
  ].join("\n");
  const mac = createHmac("sha256", secret).update(base).digest("base64");
  const headers = ["Signature-Input", `sig=(${list})${tail}`, "Signature", `sig=:${mac}:`];
  return { ...target, headers: [...target.headers, ...headers] };
};

const verdictOf = (result: SignatureResult): string => (result.ok ? result.appId : result.fault);
const judge = (message: SignedMessage): string => verdictOf(setUp().check(message));

test("signed requests are accepted, with any of the app's secrets", () => {
  expect(judge(sign(POST))).toBe("web");
  expect(judge(sign(POST, { secret: APPS[0]?.secrets[0] ?? "" }))).toBe("web");
  expect(judge(sign(GET, { components: TARGET }))).toBe("web");
  expect(judge(sign(POST, { components: ALL.toReversed() }))).toBe("web");
  const alg = `;created=${NOW / 1000};keyid="web";alg="hmac-sha256";nonce="0123456789abcdef"`;
  expect(judge(sign(POST, { params: alg }))).toBe("web");
});

describe("AP6: what was changed after signing is refused:", () => {
  const signed = sign(POST);
  const swap = (name: string, value: string): readonly string[] =>
    signed.headers.map((one, at) => (signed.headers[at - 1] === name ? value : one));
  const other = digestOf('{"title":"b"}');
  test.each<[string, Partial<SignedMessage>, string]>([
    ["method", { method: "PUT" }, "signature"],
    ["path", { path: "/api/collections/notes/records" }, "signature"],
    ["query reordered", { query: "fields=id&expand=author" }, "signature"],
    ["query dropped", { query: "" }, "signature"],
    ["token", { authorizations: ["aaa.bbb.ddd"] }, "signature"],
    ["token dropped", { authorizations: [] }, "coverage"],
    ["second token", { authorizations: ["aaa.bbb.ccc", "aaa.bbb.ddd"] }, "coverage"],
    ["media type", { headers: swap("Content-Type", "text/plain") }, "signature"],
    ["one byte of the body", { bodyDigest: other }, "digest"],
    [
      "body and digest",
      { bodyDigest: other, headers: swap("Content-Digest", `sha-256=:${other}:`) },
      "signature",
    ],
    ["body dropped", { hasBody: false, bodyDigest: undefined }, "digest"],
    ["second digest", { headers: [...signed.headers, "Content-Digest", `sha-256=:${other}:`] }, "coverage"],
    ["second signature", { headers: [...signed.headers, "Signature", "x"] }, "form"],
    ["without its input", { headers: signed.headers.slice(0, -4) }, "form"],
  ])("%s", (_, change, fault) => {
    expect(judge({ ...signed, ...change })).toBe(fault);
  });
});

describe("a signature must cover what decides:", () => {
  test.each(ALL)("%s", (name) => {
    expect(judge(sign(POST, { components: ALL.filter((one) => one !== name) }))).toBe("coverage");
  });

  test("a token or a body that is not there need not be covered, nor the digest of a body too large to read", () => {
    expect(judge(sign(GET, { components: TARGET }))).toBe("web");
    const large = { ...POST, bodyDigest: undefined, headers: ["Content-Type", "application/json"] };
    expect(judge(sign(large, { components: ALL.slice(0, 5) }))).toBe("web");
    expect(judge(sign(large, { components: ALL.slice(0, 4) }))).toBe("coverage");
  });

  test("a digest of a body that was too large to read does not pass for checked", () => {
    expect(judge({ ...sign(POST), bodyDigest: undefined })).toBe("digest");
  });
});

test("the window is 60 s to either side", () => {
  const verdicts = [-61, -60, 0, 60, 61].map((seconds) =>
    judge(sign(POST, { created: NOW / 1000 + seconds })),
  );
  expect(verdicts).toEqual(["time", "web", "web", "web", "time"]);
});

test("AP6: a replay is refused at any time; other apps are other owners", () => {
  const { check, clock } = setUp();
  const signed = sign(POST);
  expect(verdictOf(check(signed))).toBe("web");
  expect(verdictOf(check(signed))).toBe("replay");
  clock.nowMs += WINDOW;
  expect(verdictOf(check(signed))).toBe("replay");
  clock.nowMs += 1;
  expect(verdictOf(check(signed))).toBe("time");
});

test("a refused signature uses up no nonce", () => {
  const { check } = setUp();
  const signed = sign(POST);
  expect(verdictOf(check({ ...signed, bodyDigest: digestOf("x") }))).toBe("digest");
  expect(verdictOf(check({ ...signed, query: "" }))).toBe("signature");
  expect(verdictOf(check(signed))).toBe("web");
});

test("AP6: too many fresh nonces fail closed", () => {
  const { check } = setUp();
  const captured = sign(POST);
  expect(verdictOf(check(captured))).toBe("web");
  for (let i = 0; i < 99; i++) expect(verdictOf(check(sign(POST)))).toBe("web");
  expect(verdictOf(check(sign(POST)))).toBe("full");
  expect(verdictOf(check(captured))).toBe("replay");
});

describe("other forms of Signature-Input are refused:", () => {
  const good = `;created=${NOW / 1000};nonce="0123456789abcdef";keyid="web"`;
  test.each([
    [good.replace("created", "creatd")],
    [`${good};created=1`],
    [`${good};expires=1`],
    [good.replace(";keyid", ";tag")],
    [good.replace('"web"', '"nobody"')],
    [good.replace('"web"', '"ssr"')],
    [good.replace("0123456789abcdef", "short")],
    [good.replace(/created=\d+/, 'created="1"')],
    [`${good};alg="rsa-v1_5-sha256"`],
    [""],
  ])("%s", (params) => {
    expect(["form", "app", "signature"]).toContain(judge(sign(POST, { params })));
  });

  test("components twice, with parameters, unknown", () => {
    expect(judge(sign(POST, { components: [...ALL, "@path"] }))).toBe("form");
    expect(judge(sign(POST, { components: [...ALL, "@authority"] }))).toBe("coverage");
    expect(judge(sign(POST, { components: [...ALL, "x-other"] }))).toBe("coverage");
  });

  test.each(["", "sig=", "sig=()", 'sig=("a"', 'a=("@method"), b=("@path")', `sig=("${"a".repeat(2000)}")`])(
    "%j",
    (input) => {
      const headers = ["Signature-Input", input, "Signature", `sig=:${digestOf("x")}:`];
      expect(judge({ ...POST, headers })).toBe("form");
    },
  );

  test("no text takes long", () => {
    const slow = [`sig=(${'"a" '.repeat(200)})`, `sig=()${";a=1".repeat(200)}`, `sig=${'("a"'.repeat(200)}`];
    const work = (): void => {
      for (const input of slow) judge({ ...POST, headers: ["Signature-Input", input, "Signature", input] });
    };
    expect(leastCpuMs(work, 200)).toBeLessThan(200);
  });
});
