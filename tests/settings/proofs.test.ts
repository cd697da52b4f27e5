// Apps, proofs and write policies in the config file: what is accepted, what is refused, and that no secret shows.
import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { PUBLISHED_SECRETS } from "../../src/settings/variableChecks.ts";
import { EXTERNAL } from "./fixtures.ts";
import { inFolder } from "./inFolder.ts";

const SECRET = "app-secret-that-must-not-show-0123456789";
const fileOf = (security: unknown, upstream: unknown = {}) => ({
  "config.ts": `export default ${JSON.stringify({ Security: security, Upstream: upstream })};`,
});

const GOOD = {
  DPoP: "optional",
  Apps: [
    { Id: "web", Secret: SECRET },
    {
      Id: "ssr",
      Secrets: [SECRET, `${SECRET}2`],
      Name: "Our server",
      isConfidential: true,
      isRequired: true,
    },
  ],
  Collections: { posts: { Write: { Apps: ["ssr"], DPoP: true, Session: true } }, notes: {} },
};

test("apps, DPoP and write policies are read", async () => {
  using folder = inFolder(fileOf(GOOD));
  const { security } = await folder.settings();
  expect(security.dpop).toBe("optional");
  expect(security.apps.map(({ id, secrets }) => [id, secrets.length])).toEqual([
    ["web", 1],
    ["ssr", 2],
  ]);
  expect(security.apps[1]).toMatchObject({ isConfidential: true, isRequired: true });
  expect(security.apps[0]?.secrets[0]?.reveal()).toBe(SECRET);
  expect(security.writes.get("posts")).toEqual({
    appIds: ["ssr"],
    needsBoundSession: true,
    needsSession: true,
  });
  expect(security.writes.get("notes")).toEqual({
    appIds: undefined,
    needsBoundSession: false,
    needsSession: false,
  });
});

test("without them nothing is asked for", async () => {
  using folder = inFolder();
  const { security, upstream } = await folder.settings();
  expect([security.apps.length, security.dpop, security.writes.size]).toEqual([0, "off", 0]);
  expect(upstream.guardSecret).toBeUndefined();
});

test("--check-config shows the apps and masks their secrets and the guard's", async () => {
  using folder = inFolder(fileOf(GOOD, { GuardSecret: SECRET }));
  const command = await folder.command(["--check-config"]);
  const text = command.kind === "print" ? command.text : "";
  expect(text).toContain('"Id":"web"');
  expect(text).toMatch(/Upstream\.GuardSecret +\*\*\* +file/);
  expect(text).not.toContain("must-not-show");
  const settings = await folder.settings();
  for (const shown of [JSON.stringify(settings), inspect(settings, { depth: 9 })])
    expect(shown).not.toContain("must-not-show");
});

test("HAPTA_GUARD_SECRET beats the config file", async () => {
  using folder = inFolder(fileOf({}, { GuardSecret: SECRET }));
  const { upstream } = await folder.settings([], { HAPTA_GUARD_SECRET: "from-the-environment" });
  expect(upstream.guardSecret?.reveal()).toBe("from-the-environment");
});

describe("refused, without showing a secret:", () => {
  test.each([
    [{ Apps: [{ Id: "web", Secret: "short-must-not-show" }] }, "Security.Apps[0].Secret: found a text of"],
    [
      { Apps: [{ Id: "web", Secrets: ["short-must-not-show"] }] },
      "Security.Apps[0].Secrets[0]: found a text",
    ],
    [{ Apps: [{ Id: "web" }] }, "Security.Apps[0]: has no secret; give it a Secret."],
    [{ Apps: [{ Id: "Web app", Secret: SECRET }] }, "Security.Apps[0].Id: found"],
    [
      { Apps: [{ Id: "web", secret: SECRET }] },
      "Security.Apps.0.secret: unknown key; remove it. Allowed: a list",
    ],
    [
      {
        Apps: [
          { Id: "web", Secret: SECRET },
          { Id: "web", Secret: SECRET },
        ],
      },
      'Security.Apps[1]: the Id "web" is taken',
    ],
    [{ Apps: [{ Id: "web", Secret: PUBLISHED_SECRETS[0] }] }, "is a text from an example"],
    [{ DPoP: "on" }, 'Security.DPoP: found the text "on"'],
    [{ Collections: { posts: { Write: { Apps: ["web"] } } } }, 'no app "web" is in Security.Apps'],
    [{ Collections: { posts: { Write: { DPoP: true } } } }, 'Security.DPoP is "off": nobody could write'],
    [{ Collections: { posts: { write: {} } } }, "Security.Collections.posts.write: unknown key"],
    [{ Collections: { "a/b": {} } }, "Security.Collections.a/b"],
  ])("%j", async (security, sentence) => {
    using folder = inFolder(fileOf(security));
    const text = await folder.problems();
    expect(text).toContain(sentence);
    expect(text).not.toContain("must-not-show");
  });

  test.each([["sixteen letters with blanks"], ["short"], [PUBLISHED_SECRETS[0] ?? ""]])(
    "guard %j",
    async (text) => {
      using folder = inFolder();
      const shown = await folder.problems([], { ...EXTERNAL, HAPTA_GUARD_SECRET: text });
      expect(shown).toContain("Upstream.GuardSecret");
      expect(shown).not.toContain(`"${text}"`);
    },
  );
});
