// Guessing an account's password by changing it: who holds a session is slowed down as at a login, however the change is
// spelled; everybody else's changes are not.
import { expect, test } from "bun:test";
import { type Call, call, createMember, jsonOf, login, sharedPair, verdictOf } from "../sessions/support.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { countOf } from "./support.ts";

const pair = sharedPair({
  config: {
    ratelimit: { isEnabled: true, Max: 100_000, Duration: 60_000, IP: true },
    Network: { TrustedProxies: ["loopback"] },
  },
});

interface Member {
  readonly id: string;
  readonly email: string;
  readonly token: string;
  readonly from: readonly [string, string];
}

let sessions = 0;

/** A new session of a member (a new one when absent), at an address of its own. */
const signIn = async (account?: Awaited<ReturnType<typeof createMember>>): Promise<Member> => {
  const { id, email } = account ?? (await createMember(pair.url));
  sessions += 1;
  const from = ["X-Forwarded-For", `203.0.113.${sessions}`] as const;
  return { id, email, from, token: await login(pair.url, { email }, { headers: [from] }) };
};

const NEXT = { password: `${PASSWORD}2`, passwordConfirm: `${PASSWORD}2` };
const FORM = [["Content-Type", "application/x-www-form-urlencoded"]] as const;
const MULTIPART = [["Content-Type", "multipart/form-data; boundary=xyz"]] as const;
const JSON_TYPE = [["Content-Type", "application/json"]] as const;

const changeOf = ({ id, token, from }: Member, more: Partial<Call>, collection = "members"): Call => ({
  method: "PATCH",
  path: `/api/collections/${collection}/records/${id}`,
  token,
  ...more,
  headers: [...(more.headers ?? []), from],
});

const batchOf = ({ token, from }: Member, item: Record<string, unknown>): Call => ({
  path: "/api/batch",
  token,
  headers: [from],
  json: { requests: [item] },
});

const part = (name: string, value: string): string =>
  `--xyz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

/** One wrong guess in each spelling that PocketBase takes. */
const SPELLINGS: Readonly<Record<string, (member: Member) => Call>> = {
  JSON: (member) => changeOf(member, { json: { ...NEXT, oldPassword: "a wrong one" } }),
  "JSON with an escape in the name, by the collection's id": (member) => {
    const body = JSON.stringify({ ...NEXT, oldPassword: "wrong" }).replace("oldP", "old\\u0050");
    return changeOf(member, { headers: JSON_TYPE, body }, "pbc_members0001");
  },
  "JSON that is too long to be read first, its name in another case": (member) =>
    changeOf(member, { json: { about: "x".repeat(200_000), ...NEXT, oldPassword: "wrong" } }, "MEMBERS"),
  "a form": (member) =>
    changeOf(member, {
      headers: FORM,
      body: `old%50assword=wrong&password=${NEXT.password}&passwordConfirm=${NEXT.password}`,
    }),
  "a form beside the query": (member) =>
    changeOf(member, {
      path: `/api/collections/members/records/${member.id}?oldPassword=wrong`,
      headers: FORM,
      body: `password=${NEXT.password}&passwordConfirm=${NEXT.password}`,
    }),
  "a multipart form": (member) =>
    changeOf(member, {
      headers: MULTIPART,
      body: `${part("@jsonPayload", JSON.stringify(NEXT))}${part("oldPassword", "wrong")}--xyz--\r\n`,
    }),
  "a batch": (member) => {
    const url = `/api/collections/members/records/${member.id}`;
    return batchOf(member, { method: "PATCH", url, body: { ...NEXT, oldPassword: "wrong" } });
  },
  "a batch that would make what is not there": (member) => {
    const body = { id: member.id, ...NEXT, oldPassword: "wrong" };
    return batchOf(member, { method: "PUT", url: "/api/collections/members/records", body });
  },
};

let victim: Awaited<ReturnType<typeof createMember>> | undefined;

test.each(Object.keys(SPELLINGS))("of many wrong ones at once, five are judged: %s", async (name) => {
  victim ??= await createMember(pair.url);
  const member = await signIn(victim);
  const guess = SPELLINGS[name]?.(member) ?? changeOf(member, {});
  const answers = await Promise.all(Array.from({ length: 8 }, () => call(pair.url, guess)));
  const judged = answers.filter(({ text }) => text.includes("validation_invalid_old_password"));
  expect(answers.map(verdictOf).toSorted()).toEqual([
    ...Array.from({ length: 5 }, () => "400 -"),
    ...Array.from({ length: 3 }, () => "429 login_delayed"),
  ]);
  expect(judged).toHaveLength(5);
  // The right one has to wait as well: a refusal must tell nothing.
  const right = changeOf(member, { json: { ...NEXT, oldPassword: PASSWORD } });
  expect(verdictOf(await call(pair.url, right))).toBe("429 login_delayed");
});

test("whoever else is signed in as the same member changes it at once, and other changes are nobody's guess", async () => {
  const thief = await signIn();
  const owner = await signIn(thief);
  const wrong = changeOf(thief, { json: { ...NEXT, oldPassword: "wrong" } });
  for (let at = 0; at < 5; at++) expect((await call(pair.url, wrong)).status).toBe(400);
  expect(verdictOf(await call(pair.url, wrong))).toBe("429 login_delayed");
  const names = Array.from({ length: 20 }, (_, at) =>
    call(pair.url, changeOf(thief, { json: { name: `N${at}` } })),
  );
  expect(
    countOf(
      (await Promise.all(names)).map(({ status }) => status),
      200,
    ),
  ).toBe(20);
  const right = changeOf(owner, { json: { ...NEXT, oldPassword: PASSWORD } });
  expect((await call(pair.url, right)).status).toBe(200);
});

test("right ones cost nothing, whatever else is wrong", async () => {
  const member = await signIn();
  const json = { ...NEXT, passwordConfirm: "another", oldPassword: PASSWORD };
  for (let at = 0; at < 8; at++) {
    const answer = await call(pair.url, changeOf(member, { json }));
    expect(Object.keys(jsonOf(answer)["data"] as object)).toEqual(["passwordConfirm"]);
  }
});
