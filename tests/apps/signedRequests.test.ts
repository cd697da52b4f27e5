// AP6 and AP8 over HTTP: what a signature proves to a real Hapta, and that what it does not cover has no effect.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  ADA,
  call,
  jsonOf,
  login,
  type Pair,
  START_MS,
  startPair,
  TEST_MS,
  verdictOf,
  verify,
} from "../sessions/support.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import { createScratch } from "../support/scratch.ts";
import { exchange, type WireRequest } from "../support/wire.ts";
import type { WireResponse } from "../support/wireReader.ts";
import { jsonRequest, MOBILE, SERVER, signed } from "./support.ts";

setDefaultTimeout(TEST_MS);
const RECORDS = "/api/collections/articles/records";
const BOUND = { Id: "bound", Secret: "bound-secret-0123456789-abcdefghijk", isRequired: true };
const Security = { Apps: [MOBILE, { ...SERVER, isConfidential: true }, BOUND] };

let pair: Pair;
let ada: { readonly token: string; readonly id: string };
beforeAll(async () => {
  pair = await startPair({ config: { Security } });
  const token = await login(pair.url, ADA);
  const own = await call(pair.url, { path: "/auth/verify", token });
  ada = { token, id: String((jsonOf(own)["record"] as { id: string }).id) };
}, START_MS);
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
}, START_MS);

const send = (request: WireRequest): Promise<WireResponse> => exchange(pair.url, request);
const article = (title: string): WireRequest =>
  jsonRequest(RECORDS, { title, author: ada.id, slug: title }, ada.token);
const countOf = async (title: string): Promise<number> => {
  const filter = encodeURIComponent(`title ~ "${title}"`);
  const answer = await call(pair.url, { path: `${RECORDS}?filter=${filter}`, token: ada.token });
  return Number(jsonOf(answer)["totalItems"]);
};
const faultOf = (answer: WireResponse): string => {
  const { signature } = (jsonOf(answer)["data"] ?? {}) as { signature?: { code: string } };
  return `${verdictOf(answer)} ${signature?.code ?? "-"}`;
};

test("a signed create works; without a signature everything is as before", async () => {
  expect((await send(signed(article("signed-one")))).status).toBe(200);
  expect((await send(article("plain-one"))).status).toBe(200);
  expect([await countOf("signed-one"), await countOf("plain-one")]).toEqual([1, 1]);
});

describe("AP6:", () => {
  test("a replay is refused", async () => {
    const request = signed(article("replayed"));
    expect((await send(request)).status).toBe(200);
    expect(faultOf(await send(request))).toBe("401 signature_invalid signature_replay");
    expect(await countOf("replayed")).toBe(1);
  });

  test("replayed at once twenty times, one counts", async () => {
    const request = signed(article("stampede"));
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(request)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(401)]);
    expect(await countOf("stampede")).toBe(1);
  });

  test("a reordered query", async () => {
    const list = signed({ path: `${RECORDS}?page=1&perPage=2`, headers: [["Authorization", ada.token]] });
    expect((await send({ ...list, path: `${RECORDS}?perPage=2&page=1` })).status).toBe(401);
    expect((await send(list)).status).toBe(200);
  });

  test("one changed byte of the body: nothing takes effect, wherever the byte is", async () => {
    const request = signed(article("tampered"));
    const body = String(request.body);
    for (const at of [2, body.indexOf("tampered"), body.length - 1]) {
      const other = `${body.slice(0, at)}${body[at] === "x" ? "y" : "x"}${body.slice(at + 1)}`;
      expect(faultOf(await send({ ...request, body: other }))).toBe("401 signature_invalid signature_digest");
    }
    // PocketBase would act on the JSON value before the padding is there.
    const padded = `${body.replace("tampered", "tampered-too")}${" ".repeat(70_000)}`;
    for (const chunkBytes of [undefined, 1_000]) {
      const forged = { ...request, body: padded, ...(chunkBytes === undefined ? {} : { chunkBytes }) };
      expect(faultOf(await send(forged))).toBe("401 signature_invalid signature_digest");
    }
    expect(await countOf("tampered")).toBe(0);
    expect((await send({ ...request, chunkBytes: 7 })).status).toBe(200);
    expect(await countOf("tampered")).toBe(1);
  });

  test("the signature moved to another path, method or token", async () => {
    const request = signed(article("moved"));
    expect((await send({ ...request, path: "/api/collections/comments/records" })).status).toBe(401);
    expect((await send({ ...request, method: "PUT" })).status).toBe(401);
    const other = (request.headers ?? []).filter(([name]) => name !== "Authorization");
    expect((await send({ ...request, headers: other })).status).toBe(401);
    expect(await countOf("moved")).toBe(0);
  });

  test("old, early, unknown, with another key, incomplete, doubled", async () => {
    const nowS = Math.floor(Date.now() / 1000);
    const request = article("wrong");
    const codes = [];
    for (const signing of [
      { created: nowS - 65 },
      { created: nowS + 65 },
      { id: "nobody" },
      { secret: SERVER.Secret },
      { without: ["authorization"] },
      { without: ["content-type"] },
      { without: ["content-digest"] },
      { nonce: "short" },
    ])
      codes.push(
        faultOf(await send(signed(request, signing)))
          .split("_")
          .at(-1),
      );
    expect(codes).toEqual(["time", "time", "app", "signature", "coverage", "coverage", "coverage", "form"]);
    const twice = signed(request);
    const fields = (twice.headers ?? []).filter(([name]) => name.startsWith("Signature"));
    const doubled = { ...twice, headers: [...(twice.headers ?? []), ...fields] };
    expect(faultOf(await send(doubled))).toEndWith("signature_form");
    expect(await countOf("wrong")).toBe(0);
  });
});

describe("bodies of every kind:", () => {
  const multipart = (fields: Readonly<Record<string, string>>): WireRequest => {
    const parts = Object.entries(fields).map(
      ([name, value]) => `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    return {
      method: "POST",
      path: RECORDS,
      headers: [
        ["Content-Type", "multipart/form-data; boundary=XX"],
        ["Authorization", ada.token],
      ],
      body: `${parts.join("")}--XX--\r\n`,
    };
  };
  const items = (title: string) => [
    { method: "POST", url: RECORDS, body: { title, author: ada.id, slug: title } },
  ];

  test("a form, and one changed behind its end", async () => {
    const request = signed(multipart({ title: "form-one", author: ada.id, slug: "form-one" }));
    expect((await send({ ...request, body: `${request.body}epilogue` })).status).toBe(401);
    expect(await countOf("form-one")).toBe(0);
    expect((await send(request)).status).toBe(200);
  });

  test("a batch in JSON and as a form", async () => {
    const json = signed(jsonRequest("/api/batch", { requests: items("batch-json") }, ada.token));
    expect(
      (await send({ ...json, body: String(json.body).replace("batch-json", "batch-evil") })).status,
    ).toBe(401);
    expect((await send(json)).status).toBe(200);
    const payload = JSON.stringify({ requests: items("batch-form") });
    const form = signed({ ...multipart({ "@jsonPayload": payload }), path: "/api/batch?x=1" });
    expect(
      (await send({ ...form, body: String(form.body).replace("batch-form", "batch-evil") })).status,
    ).toBe(401);
    expect((await send(form)).status).toBe(200);
    const counts = await Promise.all(["batch-json", "batch-form", "batch-evil"].map(countOf));
    expect(counts).toEqual([1, 1, 0]);
  });

  test("a login", async () => {
    const credentials = { identity: ADA.email, password: "wrong-password" };
    const path = "/api/collections/members/auth-with-password";
    const request = signed(jsonRequest(path, credentials));
    expect((await send({ ...request, body: String(request.body).replace("wrong", "right") })).status).toBe(
      401,
    );
    expect(verdictOf(await send(request))).toBe("400 -");
  });

  test("no body, and one where a signature says there is none", async () => {
    const remove = signed({
      method: "DELETE",
      path: `${RECORDS}/nosuchrecord0001`,
      headers: [["Authorization", ada.token]],
    });
    expect(faultOf(await send({ ...remove, body: "{}" }))).toEndWith("signature_coverage");
    expect((await send(remove)).status).toBe(404);
  });

  test("over 8 MiB: refused with a digest, passed on without one", async () => {
    const large = (without: readonly string[]) =>
      signed(
        {
          method: "POST",
          path: "/custom/echo",
          headers: [["Content-Type", "text/plain"]],
          body: Buffer.alloc(8_388_609, 97),
        },
        { without },
      );
    expect(verdictOf(await send(large([])))).toBe("413 body_too_large");
    expect(verdictOf(await send({ ...large([]), chunkBytes: 1_000_000 }))).toBe("413 body_too_large");
    expect((await send(large(["content-digest"]))).status).toBe(200);
  });
});

describe("sessions of an app:", () => {
  const loginRequest = jsonRequest("/api/collections/members/auth-with-password", {
    identity: ADA.email,
    password: PASSWORD,
  });
  const loginBy = async (signing: Parameters<typeof signed>[1]): Promise<string> => {
    const answer = await call(pair.url, { path: "/auth/verify" });
    expect(answer.status).toBe(401);
    const opened = await send(signed(loginRequest, signing));
    expect(`${opened.status} ${opened.text.slice(0, 200)}`).toStartWith("200");
    return String(jsonOf(opened)["token"]);
  };
  const list = (token: string): WireRequest => ({ path: RECORDS, headers: [["Authorization", token]] });

  test("isRequired: the token counts only in requests of its app", async () => {
    const signing = { id: BOUND.Id, secret: BOUND.Secret };
    const token = await loginBy(signing);
    expect(verdictOf(await send(list(token)))).toBe("401 app_required");
    expect(verdictOf(await send(signed(list(token))))).toBe("401 app_required");
    expect((await send(signed(list(token), signing))).status).toBe(200);
    const path = "/api/collections/members/auth-refresh";
    const refresh = { method: "POST", path, headers: [["Authorization", token]] } as const;
    expect(verdictOf(await send(refresh))).toBe("401 app_required");
    expect((await send(signed(refresh, signing))).status).toBe(200);
    // Logging in anew must always be possible.
    const again = {
      ...loginRequest,
      headers: [...(loginRequest.headers ?? []), ["Authorization", token]],
    } as const;
    expect((await send(again)).status).toBe(200);
  });

  test("else the token counts without a signature too", async () => {
    const token = await loginBy({ id: MOBILE.Id, secret: MOBILE.Secret });
    expect((await send(list(token))).status).toBe(200);
  });

  test("an app that is taken out of the settings takes its sessions with it", async () => {
    using data = createScratch("apps");
    const env = { HAPTA_DATA_DIR: data.path };
    const start = (apps: readonly unknown[]) =>
      startHapta(pair.pb, { env, config: { Security: { Apps: apps } } });
    const first = await start([MOBILE, SERVER]);
    const opened = await exchange(first.url, signed(loginRequest));
    const token = String(jsonOf(opened)["token"]);
    const plain = await login(first.url, ADA);
    expect([await verify(first.url, token), await verify(first.url, plain)]).toEqual([200, 200]);
    await first[Symbol.asyncDispose]();
    await using second = await start([]);
    expect(verdictOf(await call(second.url, { path: "/auth/verify", token }))).toBe("401 app_required");
    expect(await verify(second.url, plain)).toBe(200);
    // Without apps a signature means nothing, not even a wrong one.
    const ignored = await exchange(second.url, signed({ path: "/custom/hello" }, { created: 1 }));
    expect(ignored.status).toBe(200);
  });
});
