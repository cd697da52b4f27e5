// The admin call over files: what is kept, what flows, and how far resumable uploads have come. Shows no file and no id
// that would let somebody go on with an upload.
import { createRoute, z } from "@hono/zod-openapi";
import type { ControlPart } from "./controlApp.ts";
import { jsonAnswer, REFUSALS } from "./schemas.ts";

const bytes = z.number();

const stateSchema = z
  .object({
    kept: z
      .object({
        files: z.number(),
        bytes: bytes.meta({ description: "On disk." }),
        memoryBytes: bytes,
        bytesMax: bytes,
        hits: z.number(),
        renewed: z
          .number()
          .meta({ description: "Hits for which PocketBase was asked whether the file is there." }),
        misses: z.number(),
        bypasses: z.number(),
      })
      .optional()
      .meta({ description: "Absent when `Files.CacheBytes` is 0." }),
    uploads: z
      .object({
        underway: z.number(),
        whole: z.number(),
        refused: z.number(),
        broken: z.number(),
        bytes,
      })
      .meta({ description: "Forms with files." }),
    resumable: z.object({
      bytesMax: bytes,
      items: z.array(
        z.object({
          collection: z.string(),
          record: z.string(),
          field: z.string(),
          filename: z.string(),
          owner: z.string().meta({ description: "Collection id and record id." }),
          size: bytes,
          offset: bytes.meta({
            description: "Bytes that have arrived; equal to `size` while PocketBase is given them.",
          }),
        }),
      ),
    }),
  })
  .openapi("FileState");

const stateRoute = createRoute({
  method: "get",
  path: "/hapta/files",
  summary: "Kept downloads, uploads, and how far resumable ones have come",
  responses: { ...REFUSALS, 200: jsonAnswer("Since the start of this process.", stateSchema) },
});

/** Adds `/hapta/files`. */
export const addFileRoutes: ControlPart = (app, { collections, files, uploads: { counts, spool } }) => {
  app.openapi(stateRoute, async (c) => {
    const items = (await spool.all()).map(
      ({ collectionId, recordId: record, field, filename, owner, size, offset }) => {
        const collection = collections.find(collectionId)?.name ?? collectionId;
        return { collection, record, field, filename, owner, size, offset };
      },
    );
    const kept = files === undefined ? {} : { kept: { ...files.cache.room, ...files.counts } };
    return c.json({ ...kept, uploads: { ...counts }, resumable: { bytesMax: spool.bytesMax, items } }, 200);
  });
};
