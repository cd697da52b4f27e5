// `/openapi.json` of an app whose names want to be taken for something else, and whose rules and logins are of the odd
// kinds: valid, true, and no more than its reader may know.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DescribedAnswers } from "../support/described.ts";
import { exchange } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import {
  type App,
  CALLERS,
  type Caller,
  expectSchema,
  expectValid,
  operationsOf,
  startApp,
} from "./support.ts";

const text = (name: string, more: object = {}) => ({ name, type: "text", ...more });
const FIELDS = [text("word")];
const OFF = { passwordAuth: { enabled: false }, otp: { enabled: false }, oauth2: { enabled: false } };
const PROVIDER = {
  name: "oidc",
  clientId: "id",
  clientSecret: "secret",
  authURL: "https://provider.example/auth",
  tokenURL: "https://provider.example/token",
  userInfoURL: "https://provider.example/me",
};
const COLLECTIONS: readonly { readonly name: string; readonly [key: string]: unknown }[] = [
  // Names of schemas, operations and headings that the description has anyway, and of what objects inherit.
  ...["Error", "sessions", "files", "upload", "batch", "landing", "landing_page", "landing_create"].map(
    (name) => ({
      name,
      listRule: "",
      createRule: "",
      fields: FIELDS,
    }),
  ),
  ...["__proto__", "constructor"].map((name) => ({ name, listRule: "", fields: FIELDS })),
  {
    name: "inherited",
    listRule: "",
    createRule: "",
    fields: ["__proto__", "constructor", "toString", "hasOwnProperty"].map((name) => text(name)),
  },
  // What somebody may do without ever being told a record.
  { name: "erasable", deleteRule: "", fields: [text("innermost")] },
  { name: "closed", viewRule: '@request.auth.id != ""', fields: [text("innermost")] },
  { name: "contact", createRule: "", fields: [text("outermost"), text("innermost", { hidden: true })] },
  { name: "staff", type: "auth", fields: [text("salary")] },
  // Nobody can log in.
  { name: "robots", type: "auth", listRule: "", authRule: null, fields: FIELDS },
  { name: "mute", type: "auth", listRule: "", ...OFF, fields: FIELDS },
  { name: "deaf", type: "auth", ...OFF, fields: FIELDS },
  // Only through a provider.
  {
    name: "guests",
    type: "auth",
    createRule: "",
    ...OFF,
    oauth2: { enabled: true, providers: [PROVIDER] },
    fields: FIELDS,
  },
];

let app: App;
beforeAll(async () => {
  app = await startApp();
  for (const collection of COLLECTIONS) {
    const answer = await app.call("superuser", "/api/collections", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type: "base", ...collection }),
    });
    if (answer.status !== 200) throw new Error(`${collection.name}: ${await answer.text()}`);
  }
}, 120_000);
afterAll(() => app[Symbol.asyncDispose]());

const textFor = async (caller: Caller): Promise<string> => (await app.call(caller, "/openapi.json")).text();
const callsOf = async (caller: Caller, name: string): Promise<string[]> =>
  operationsOf(await app.describe(caller))
    .filter(({ path }) => path.startsWith(`/api/collections/${name}/`))
    .map(({ path, method }) => `${method} ${path.slice(`/api/collections/${name}/`.length)}`);

describe.each([...CALLERS])("as %s", (caller) => {
  test("it is valid, and every name in it means one thing", async () => {
    await expectValid(await textFor(caller));
    const description = await app.describe(caller);
    const ids = operationsOf(description).map(({ operation }) => operation.operationId);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    for (const { name } of COLLECTIONS) {
      const title = Object.hasOwn(description.components.schemas, name)
        ? description.components.schemas[name]?.title
        : undefined;
      expect([name, title]).toEqual([name, title === undefined ? undefined : name]);
      const list = description.paths[`/api/collections/${name}/records`]?.get;
      if (list === undefined) continue;
      const answer = await (await app.call(caller, `/api/collections/${name}/records`)).json();
      expectSchema(description, `${name}-page`, answer);
      const heading = operationsOf(description).filter(({ operation }) => operation.tags.includes(name));
      expect(heading.filter(({ path }) => path.split("/")[3] !== name)).toEqual([]);
    }
  });

  test("a field may be called what objects inherit", async () => {
    const { schemas } = (await app.describe(caller)).components;
    for (const name of ["inherited", "inherited-create"])
      expect(Object.keys(schemas[name]?.properties ?? {})).toEqual(
        expect.arrayContaining(["__proto__", "constructor", "toString", "hasOwnProperty"]),
      );
  });

  test("who is never told a record does not hear the names of its fields", async () => {
    const told = await textFor(caller);
    const knows = (word: string): boolean => told.includes(`"${word}"`);
    expect([knows("salary"), knows("innermost"), knows("outermost")]).toEqual(
      {
        guest: [false, false, true],
        // `closed` is his to look at.
        ada: [false, true, true],
        superuser: [true, true, true],
      }[caller],
    );
  });

  test("only logins that are open are described", async () => {
    const logins = async (name: string) =>
      (await callsOf(caller, name)).filter((call) => !/ (?:records|impersonate)/.test(call)).sort();
    const refresh = caller === "superuser" ? ["post auth-refresh"] : [];
    expect(await logins("robots")).toEqual(["get auth-methods", ...refresh]);
    expect(await logins("mute")).toEqual(["get auth-methods", ...refresh]);
    expect(await logins("deaf")).toEqual(caller === "superuser" ? ["get auth-methods", ...refresh] : []);
    expect(await logins("guests")).toEqual(
      [
        "get auth-methods",
        "post auth-refresh",
        "post auth-with-oauth2",
        "post confirm-email-change",
        "post confirm-verification",
        ...(caller === "guest" ? [] : ["post request-email-change"]),
        "post request-verification",
      ].sort(),
    );
    expect(await logins("staff")).toContain("post request-password-reset");
  });

  test("every operation is there and answers what it says", async () => {
    const described = new DescribedAnswers(app.hapta.url);
    const authorization: [string, string][] =
      caller === "guest" ? [] : [["Authorization", app.tokens[caller]]];
    const problems: unknown[] = [];
    for (const { path, method, operation } of operationsOf(await app.describe(caller))) {
      // Streams stay open, and a session that is over says nothing more.
      if (["openStream", "followDevice", "logOut"].includes(operation.operationId)) continue;
      const request = {
        method: method.toUpperCase(),
        path: path.replace(/\{\w+\}/g, "nothing"),
        headers: [...authorization, ["Content-Type", "application/json"] as const],
        ...(["post", "patch", "put"].includes(method) ? { body: "{}" } : {}),
      };
      const answer = await exchange(app.hapta.url, request);
      const isMissing = answer.status === 404 && headOf(answer, "x-hapta-error") === "not_found";
      const problem = (await described.problemOf(request, answer)) ?? (isMissing && !path.includes("{"));
      if (problem !== false) problems.push([path, method, problem]);
    }
    expect(problems).toEqual([]);
    expect(described.counts.size).toBeGreaterThan(20);
  });
});

test("OAuth2 is described where a collection has providers, devices where they may ask", async () => {
  const { paths } = await app.describe("guest");
  expect(paths["/auth/oauth2/{collection}/{provider}"]?.get?.parameters?.[0]).toMatchObject({
    schema: { enum: ["guests"] },
  });
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(["/auth/oauth2/token", "/auth/oauth2/link"]));
  expect(paths["/auth/oauth2/device"]).toBeUndefined();
});
