// Bodies of `impersonate`: what Hapta refuses, each supported PocketBase refuses with the same whole answer, and nothing else
// is refused.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { binaryOf, type PocketBaseVersion } from "../support/pocketbase.ts";
import { type Call, expectAlike, expectSoonAlike, type Pair, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

const ADA = "members/impersonate/memberada000001";
const call = (place: string, rest: Partial<Call>): Call => ({
  as: "superuser",
  method: "POST",
  path: `/api/collections/${place}`,
  ...rest,
});
const json = (duration: string, place = ADA): Call => call(place, { json: `{"duration":${duration}}` });
const form = (duration: string): Call => call(ADA, { form: () => new URLSearchParams({ duration }) });

const REFUSED = [
  ...["-1", "-9007199254740991", "1.5", '"5"', '""', "true", "[]", "{}"].map((one) => json(one)),
  ...["-1", "1.5", "soon", " 5"].map(form),
  json("-1", "MEMBERS/impersonate/memberada000001"),
];

/** PocketBase's to judge: of some Hapta is not sure, and others have another answer first. */
const PASSED = [
  ...["1e3", "-1e3", "-1.0", "9223372036854775808", "-9223372036854775808"].map((one) => json(one)),
  ...["1e3", "99999999999999999999", "-0x10"].map(form),
  ...["members/impersonate/nosuchmember001", "notices/impersonate/notice000000001"].map((place) =>
    json("-1", place),
  ),
  { ...json("-1"), as: "ada" as const },
  { ...json("-1"), as: "guest" as const },
];

const FINE = [...["0", "60", "null", "-0"].map((one) => json(one)), ...["", "60", "0x10", "+5"].map(form)];

// Where npm has no binary of a version (it has for Linux on x64), there is nothing to compare with.
for (const version of ["0.36", "0.39", "0.40"] as readonly PocketBaseVersion[])
  describe.skipIf(!existsSync(binaryOf(version)))(
    `validate and impersonations at PocketBase ${version}`,
    () => {
      let pair: Pair;
      beforeAll(async () => {
        pair = await startPair({}, version);
      });
      afterAll(() => pair[Symbol.asyncDispose]());

      test("a duration that is none is refused as PocketBase does", async () => {
        for (const one of REFUSED) await expectSoonAlike(pair, one, "auth_invalid");
      });

      test("what may be one, and who may not ask, is PocketBase's", async () => {
        for (const one of PASSED) await expectAlike(pair, one, undefined);
      });

      test("good ones make a session", async () => {
        for (const one of FINE) {
          const told = await pair.through(one);
          expect([one, told.status]).toEqual([one, 200]);
        }
      });
    },
  );
