// Batches of odd and usual bodies, sent to PocketBase and through Hapta: no batch is refused that PocketBase takes, and what
// Hapta refuses, PocketBase refuses with the same whole answer.
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { drawnBody } from "../schema/bodies.ts";
import { importJudged } from "../schema/judgeBodies.ts";
import { eventually } from "../support/eventually.ts";
import { binaryOf, type PocketBaseVersion } from "../support/pocketbase.ts";
import { changeSchema, startPair } from "./ask.ts";
import { type Item, type Travel, toBody } from "./batchForms.ts";

setDefaultTimeout(120_000);

const seed = Number(process.env["HAPTA_SEED"] ?? 20_261_123);

const sizes = fc.array(fc.constantFrom(0, 1, 30, 31), { minLength: 1, maxLength: 3 });
const files = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.record({ fileMany: sizes }) },
  { weight: 1, arbitrary: fc.record({ file: sizes, "fileMany+": sizes, text: sizes }, { requiredKeys: [] }) },
);
const item: fc.Arbitrary<Item> = fc
  .tuple(drawnBody, files, fc.constantFrom("POST", "POST", "POST", "PUT"))
  .map(([{ collection, body }, ownFiles, method]) => ({
    method,
    url: `/api/collections/${collection}/records`,
    body,
    files: ownFiles,
  }));
/** What PocketBase refuses. */
const wrong: Item = { method: "POST", url: "/api/collections/everything/records", body: { email: "none" } };
/** What PocketBase stores. */
const fine: Item = { method: "POST", url: "/api/collections/everything/records", body: { text: "a" } };
const items = fc
  .tuple(fc.nat(2), fc.array(item, { minLength: 1, maxLength: 3 }))
  .map(([count, drawn]): Item[] => [...Array.from({ length: count }, () => fine), ...drawn]);
const travel = fc.constantFrom<Travel>("json", "files first", "payload first");

for (const version of ["0.36", "0.39", "0.40"] as readonly PocketBaseVersion[])
  test.skipIf(!existsSync(binaryOf(version)))(
    `validate refuses no batch that PocketBase ${version} takes, and says what PocketBase says`,
    async () => {
      await using pair = await startPair({}, version);
      await importJudged(pair.pb);
      const batch = { enabled: true, maxRequests: 50, timeout: 60 };
      await changeSchema(pair, { method: "PATCH", path: "/api/settings", json: { batch } });
      const first = { method: "POST", path: "/api/batch", ...toBody([wrong], "json") };
      // Until Hapta knows the collections it leaves them to PocketBase.
      await eventually(async () => (await pair.through(first)).code === "record_invalid", 20_000);
      const tally = { refused: 0, stopped: 0 };
      for (const [list, way] of fc.sample(fc.tuple(items, travel), { numRuns: 250, seed })) {
        const call = { method: "POST", path: "/api/batch", ...toBody(list, way) };
        const direct = await pair.direct(call);
        const through = await pair.through(call);
        const isStopped = through.code === "record_invalid";
        if (direct.status === 200) expect([list, way, through.code]).toEqual([list, way, undefined]);
        else tally.refused++;
        if (isStopped) expect([list, way, through.body]).toEqual([list, way, direct.body]);
        if (isStopped) tally.stopped++;
      }
      const share = ((100 * tally.stopped) / tally.refused).toFixed(0);
      process.stdout.write(`${version}: of ${tally.refused} refused batches ${share} % stopped\n`);
      expect(tally.stopped).toBeGreaterThan(100);
    },
  );
