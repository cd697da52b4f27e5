// Rules that a kind of caller can never satisfy, and those that only look like it.
import { expect, test } from "bun:test";
import { toCollection } from "../pocketbase/collection.ts";
import { type CallerKind, mayPass, surelyPasses } from "./mayPass.ts";

const POSTS = toCollection({
  id: "pbc_posts",
  name: "posts",
  type: "base",
  fields: [
    { name: "id", type: "text", required: true },
    { name: "author", type: "relation", required: true, maxSelect: 1 },
    { name: "editor", type: "relation", maxSelect: 1 },
    { name: "public", type: "bool" },
  ],
});
const GUEST: CallerKind = { kind: "guest" };
const USER: CallerKind = { kind: "record", collectionId: "pbc_users", collectionName: "users" };

test.each([
  ['@request.auth.id != ""', false, true],
  ["@request.auth.id != null", false, true],
  ['"" != @request.auth.id', false, true],
  ['@request.auth.id = ""', true, false],
  ["author = @request.auth.id", false, true],
  ["author ?= @request.auth.id", false, true],
  ["id = @request.auth.id", false, true],
  // An empty relation equals the empty id of a guest.
  ["editor = @request.auth.id", true, true],
  ["public = true || author = @request.auth.id", true, true],
  ["public = true && author = @request.auth.id", false, true],
  ['@request.auth.collectionName = "users"', false, true],
  ['@request.auth.collectionName = "staff"', false, false],
  ['@request.auth.collectionName != "users"', true, false],
  ['@request.auth.collectionId = "pbc_users" && public = true', false, true],
  ['@request.auth.role = "admin"', false, true],
  ['@request.auth.role != "admin"', true, true],
  ['@request.auth.team.name = "red"', true, true],
  ["@request.auth.id:length = 0", true, true],
  ["@request.auth.verified = true", true, true],
  ['@request.headers.x = "1"', true, true],
  ["this is no rule", true, true],
] as const)("%s: guest %p, user %p", (rule, guest, user) => {
  expect([mayPass(rule, GUEST, POSTS), mayPass(rule, USER, POSTS)]).toEqual([guest, user]);
});

test.each([
  ['@request.auth.id != ""', false, true],
  ['"" != @request.auth.id', false, true],
  ['@request.auth.id = ""', true, false],
  ['@request.auth.id != "" && @request.auth.collectionName = "users"', false, true],
  ['@request.auth.id != "" && @request.auth.collectionName = "staff"', false, false],
  ['public = true || @request.auth.id != ""', false, true],
  ['@request.auth.id != "" && public = true', false, false],
  // A creation's body may lack what the record must have: the rule is asked first.
  ['author != ""', false, false],
  ['id != ""', false, false],
  ["author = @request.auth.id", false, false],
  ["@request.auth.verified = true", false, false],
  ['@request.auth.id ?!= ""', false, true],
  ["this is no rule", false, false],
] as const)("%s surely holds: guest %p, user %p", (rule, guest, user) => {
  expect([surelyPasses(rule, GUEST), surelyPasses(rule, USER)]).toEqual([guest, user]);
});
