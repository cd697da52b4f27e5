// Files that not everybody may see: what opens them, and what never does.
import { expect, test } from "bun:test";
import { loginCallers } from "../support/fixture/load.ts";
import { IDS } from "../support/fixture/records.ts";
import { useGateway } from "../support/gateway.ts";

const gateway = useGateway();

const scan = (): string =>
  `${gateway.hapta.url}/api/files/diaries/${IDS.diary}/${gateway.pocketbase.world.files.scan}`;

const fileToken = async (token: string): Promise<string> => {
  const init = { method: "POST", headers: { Authorization: token } };
  const json: unknown = await (await fetch(`${gateway.hapta.url}/api/files/token`, init)).json();
  return String(Reflect.get(Object(json), "token"));
};

const statusOf = async (url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
  (await fetch(url, { headers })).status;

test("UP12 a file token opens its owner's files, and nobody else's", async () => {
  const [adas, bens] = [await fileToken(gateway.tokens.ada), await fileToken(gateway.tokens.ben)];
  const opened: number[] = [];
  // In turns, so that what was opened for one could be had by the other.
  for (const token of [adas, bens, adas, bens, ""]) opened.push(await statusOf(`${scan()}?token=${token}`));
  expect(opened).toEqual([200, 404, 200, 404, 404]);
  for (const query of [
    `thumb=100x100&token=${bens}`,
    `token=${bens}&token=${adas}`,
    `download=1&token=${bens}`,
  ])
    expect([query, await statusOf(`${scan()}?${query}`)]).toEqual([query, 404]);
});

test("UP12 a URL with a token that arrives as Referer opens nothing", async () => {
  const url = `${scan()}?token=${await fileToken(gateway.tokens.ada)}`;
  expect(await statusOf(url)).toBe(200);
  for (const name of ["Referer", "Origin", "X-Original-URL", "Cookie", "Authorization"]) {
    const value = name === "Cookie" ? `token=${url.slice(url.indexOf("=") + 1)}` : url;
    expect([name, await statusOf(scan(), { [name]: value })]).toEqual([name, 404]);
  }
  // And what a page was told under such a URL, no cache on the way may give to others.
  const answer = await fetch(url, { headers: { Referer: url } });
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "private, no-cache"]);
});

test("UP12 a file token ends with its session", async () => {
  const { ada } = await loginCallers(gateway.hapta.url);
  const adas = `${scan()}?token=${await fileToken(ada)}`;
  expect(await statusOf(adas)).toBe(200);
  const logout = await fetch(`${gateway.hapta.url}/auth/logout`, {
    method: "POST",
    headers: { Authorization: ada },
  });
  expect([logout.status, await statusOf(adas)]).toEqual([204, 404]);
});
