// Which auth rules look at nothing but the record that logs in.
import { expect, test } from "bun:test";
import { type Collection, toCollection } from "../pocketbase/collection.ts";
import { authRuleIsOwn } from "./authRule.ts";

const TEAMS = toCollection({
  id: "id_teams",
  name: "teams",
  type: "base",
  fields: [
    { name: "id", type: "text" },
    { name: "isOpen", type: "bool" },
  ],
});

const usersWith = (authRule: unknown): Collection =>
  toCollection({
    id: "id_users",
    name: "users",
    type: "auth",
    authRule,
    manageRule: "@request.headers.x_key = 'k'",
    fields: [
      { name: "id", type: "text" },
      { name: "verified", type: "bool" },
      { name: "until", type: "date" },
      { name: "team", type: "relation", collectionId: "id_teams", maxSelect: 1 },
      { name: "boss", type: "relation", collectionId: "id_users", maxSelect: 1 },
    ],
  });

const judge = (rule: unknown): boolean => {
  const users = usersWith(rule);
  return authRuleIsOwn(users, (name) => [TEAMS, users].find((one) => one.id === name || one.name === name));
};

test.each([
  "",
  "verified = true",
  'verified = true && id != "x"',
  "@request.auth.verified = true",
  "team != ''",
])("%j is the record's own", (rule) => {
  expect(judge(rule)).toBe(true);
});

test.each([
  null,
  undefined,
  "until > @now",
  "until > @todayStart",
  '@request.headers.x_key = "k"',
  '@request.query.key = "k"',
  '@request.body.key = "k"',
  '@request.method = "POST"',
  "team.isOpen = true",
  "@request.auth.team.isOpen = true",
  "boss.verified = true",
  "users_via_boss.verified ?= true",
  "@collection.teams.isOpen ?= true",
  "nothing = 1",
  "verified =",
])("%j looks elsewhere, or is not understood", (rule) => {
  expect(judge(rule)).toBe(false);
});
