// Signed URLs: who gets one, what it opens, and how it ends.
import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { useGateway } from "../support/gateway.ts";

const gateway = useGateway();

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const sign = (token: string | undefined, body: unknown): Promise<Response> =>
  fetch(`${gateway.hapta.url}/files/sign`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token === undefined ? {} : { Authorization: token }) },
    body: JSON.stringify(body),
  });

const scan = (more = {}) => ({
  collection: "diaries",
  record: IDS.diary,
  file: gateway.pocketbase.world.files.scan,
  ...more,
});

const urlOf = async (answer: Response): Promise<string> => {
  const json: unknown = await answer.json();
  return String(Reflect.get(Object(json), "url"));
};

const open = (path: string, init?: RequestInit): Promise<Response> => fetch(gateway.hapta.url + path, init);

test("a signed URL opens a protected file to a guest, whole and in part", async () => {
  const answer = await sign(gateway.tokens.ada, scan());
  expect(answer.status).toBe(200);
  const url = await urlOf(answer);
  const file = await open(url);
  expect([file.status, file.headers.get("content-type")]).toEqual([200, "image/png"]);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const part = await open(url, { headers: { Range: "bytes=1-3" } });
  expect([part.status, await part.text()]).toEqual([206, "PNG"]);
  expect((await open(url, { method: "HEAD" })).headers.get("content-length")).toBe(String(bytes.length));
  expect((await open(`${url}&download=1`)).headers.get("content-disposition")).toStartWith("attachment");
});

test("UP12 a signed URL opens nothing else", async () => {
  const url = await urlOf(await sign(gateway.tokens.ada, scan()));
  const token = url.slice(url.indexOf("?"));
  for (const path of [
    `/api/files/diaries/${IDS.diary}/other_1234567890.png`,
    `/api/files/diaries/diaryada0000002/${gateway.pocketbase.world.files.scan}`,
    `/api/files/members/${IDS.diary}/${gateway.pocketbase.world.files.scan}`,
    "/api/backups/x.zip",
  ])
    expect([403, 404]).toContain((await open(path + token)).status);
  // Also in the bits of the last character that say nothing.
  for (const end of BASE64URL.replace(url.at(-1) ?? "", ""))
    expect([end, (await open(url.slice(0, -1) + end)).status]).toEqual([end, 404]);
  expect((await open(`/api/collections/diaries/records/${IDS.diary}${token}`)).status).toBe(404);
  const asToken = { headers: { Authorization: token.slice(7) } };
  expect((await open(`/api/collections/diaries/records/${IDS.diary}`, asToken)).status).toBe(404);
});

test("thumb and download go with a signed URL, wherever they stand; of several tokens the first counts", async () => {
  const url = await urlOf(await sign(gateway.tokens.ada, scan()));
  const [path = "", query = ""] = url.split("?");
  const token = query.slice("token=".length);
  const opened = async (asked: string): Promise<string> => {
    const answer = await open(`${path}?${asked}`);
    const { headers, status } = answer;
    return `${status} ${headers.get("cache-control")} ${headers.get("content-disposition")?.slice(0, 30)}`;
  };
  const inline = "200 private, no-cache inline; filename=";
  expect(await opened(`thumb=100x100&token=${token}`)).toStartWith(`${inline}100x100_`);
  expect(await opened(`token=${token}&thumb=100x100`)).toStartWith(`${inline}100x100_`);
  expect(await opened(`download=1&token=${token}`)).toStartWith("200 private, no-cache attachment");
  for (const asked of [`%74oken=${token}`, `token=${token}&token=x`, `token=${token}&x=%zz`])
    expect([asked.length, await opened(asked)]).toEqual([asked.length, expect.stringContaining(inline)]);
  const [, exp = "", mac = ""] = token.split(".");
  const later = (Number.parseInt(exp, 36) + 1).toString(36);
  for (const asked of [
    `token=x&token=${token}`,
    `Token=${token}`,
    `token=hfs1.${later}.${mac}`,
    `token=hfs1.0${exp}.${mac}`,
    `token=hfs1.${exp.toUpperCase()}.${mac}`,
    `token=hfs1.${exp}.${mac}.`,
    `token=${token}%00`,
    `token=%20${token}`,
  ])
    expect([asked.length, (await open(`${path}?${asked}`)).status]).toEqual([asked.length, 404]);
});

test("a signed URL outlives the right of who signed it; that person's own token does not", async () => {
  const signed = await urlOf(await sign(gateway.tokens.ada, scan()));
  const asAda = { method: "POST", headers: { Authorization: gateway.tokens.ada } };
  const token: unknown = Reflect.get(Object(await (await open("/api/files/token", asAda)).json()), "token");
  const own = `${signed.slice(0, signed.indexOf("?"))}?token=${token}`;
  expect((await open(own)).status).toBe(200);
  const setRule = async (viewRule: unknown): Promise<void> => {
    const headers = { Authorization: gateway.tokens.superuser, "Content-Type": "application/json" };
    const init = { method: "PATCH", headers, body: JSON.stringify({ viewRule }) };
    expect((await open("/api/collections/diaries", init)).status).toBe(200);
  };
  const headers = { Authorization: gateway.tokens.superuser };
  const before: unknown = await (await open("/api/collections/diaries", { headers })).json();
  await setRule(null);
  expect([(await open(own)).status, (await open(signed)).status]).toEqual([404, 200]);
  expect((await sign(gateway.tokens.ada, scan())).status).toBe(404);
  await setRule(Reflect.get(Object(before), "viewRule"));
});

test("only who may read a file may sign it", async () => {
  expect((await sign(undefined, scan())).status).toBe(401);
  expect((await sign(gateway.tokens.ben, scan())).status).toBe(404);
  expect((await sign(gateway.tokens.ben, scan({ collection: "nosuch" }))).status).toBe(404);
  expect((await sign(gateway.tokens.superuser, scan())).status).toBe(200);
});

test("bad input is refused with the member's name", async () => {
  for (const [body, member] of [
    [scan({ expiresIn: 700_000 }), "expiresIn"],
    [scan({ file: "../x" }), "file"],
    [null, "body"],
  ] as const) {
    const answer = await sign(gateway.tokens.ada, body);
    const json: unknown = await answer.json();
    expect([answer.status, Object.keys(Object(Reflect.get(Object(json), "data")))]).toEqual([400, [member]]);
  }
});

test("a signed URL ends with its time and with the file", async () => {
  const long = await urlOf(await sign(gateway.tokens.ada, scan()));
  // A busy machine may take longer than the second.
  const short = await eventually(async () => {
    const url = await urlOf(await sign(gateway.tokens.ada, scan({ expiresIn: 1 })));
    return (await open(url)).status === 200 && url;
  }, 10_000);
  await eventually(async () => (await open(short)).status === 404, 5_000);
  expect((await open(long)).status).toBe(200);
  const gone = await open(`/api/collections/diaries/records/${IDS.diary}`, {
    method: "DELETE",
    headers: { Authorization: gateway.tokens.ada },
  });
  expect([gone.status, (await open(long)).status]).toEqual([204, 404]);
});
