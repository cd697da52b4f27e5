// Dates in many spellings, at every version of PocketBase: what it takes for a date, and which, Hapta reads so or leaves to it.
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { toDate } from "../../src/schema/goDate.ts";
import { binaryOf, type PocketBase, type PocketBaseVersion, startPocketBase } from "../support/pocketbase.ts";

setDefaultTimeout(120_000);

const seed = Number(process.env["HAPTA_SEED"] ?? 20_261_123);

const either = (...texts: readonly string[]) => fc.constantFrom(...texts);
const day = fc
  .tuple(
    either("2024", "1969", "0001", "0000"),
    either("01", "02", "06", "12", "13", "00"),
    either("01", "29", "31", "00"),
  )
  .map((parts) => parts.join("-"));
const clock = fc
  .tuple(either("00", "03", "23", "24", "3"), either("04", "59", "60"), either("05", "59", "60"))
  .map((parts) => parts.join(":"));
const fraction = either("", "", "", ".5", ".25", ".123456789", ".1234567891", ",5", ".");
const zone = either(
  "",
  "Z",
  "z",
  " Z",
  "+02:00",
  "-0230",
  " +0200",
  " -02:30",
  "+24:00",
  "+23:59",
  "+02",
  " UTC",
  " +0000 UTC",
);
const spelled = fc
  .tuple(day, either(" ", "T", "t", "  "), clock, fraction, zone)
  .map((parts) => parts.join(""));
const SPECIAL = [
  "2024-06-01",
  "2024-02-30",
  "0001-01-01",
  "0001-01-01 01:00:00+01:00",
  "0001-01-01 00:00:00 +0100 CET",
];

/** What PocketBase stores of each; "" for no date. */
const storedBy = async (pb: PocketBase, texts: readonly string[]): Promise<readonly string[]> => {
  const headers = { Authorization: pb.world.tokens.superuser, "Content-Type": "application/json" };
  const send = async (path: string, method: string, json: unknown): Promise<unknown> =>
    await (await fetch(`${pb.url}${path}`, { method, headers, body: JSON.stringify(json) })).json();
  const fields = [{ name: "day", type: "date" }];
  await send("/api/collections", "POST", { name: "days", type: "base", fields });
  await send("/api/settings", "PATCH", { batch: { enabled: true, maxRequests: 1_000, timeout: 60 } });
  const requests = texts.map((text) => ({
    method: "POST",
    url: "/api/collections/days/records",
    body: { day: text },
  }));
  const answers = (await send("/api/batch", "POST", { requests })) as { body: { day: string } }[];
  return answers.map(({ body }) => body.day);
};

// Where npm has no binary of a version (it has for Linux on x64), there is nothing to compare with.
for (const version of ["0.36", "0.39", "0.40"] as readonly PocketBaseVersion[])
  test.skipIf(!existsSync(binaryOf(version)))(
    `toDate reads dates as PocketBase ${version} does`,
    async () => {
      await using pb = await startPocketBase({ version });
      const texts = [...SPECIAL, ...fc.sample(spelled, { numRuns: 900, seed })];
      const stored = await storedBy(pb, texts);
      expect(stored).toHaveLength(texts.length);
      let certain = 0;
      for (const [index, text] of texts.entries()) {
        const own = toDate(text);
        if (own === "unsure") continue;
        certain++;
        const date = own === undefined ? "" : new Date(own).toISOString().replace("T", " ");
        expect([text, date]).toEqual([text, stored[index] ?? "nothing"]);
      }
      expect(certain / texts.length).toBeGreaterThan(0.5);
    },
  );
