// How many requests PocketBase takes in a batch, asked anew each time: nothing tells of a change of its settings.
import { field, type SuperuserClient } from "./superuser.ts";

/** The most items; 0 when batches are not allowed, or when nobody knows. Never rejects. */
export type BatchItemsMax = () => Promise<number>;

export const createBatchItemsMax =
  (client: SuperuserClient): BatchItemsMax =>
  async () => {
    try {
      const { status, json } = await client.request("GET", "/api/settings?fields=batch");
      const batch = field(json, "batch");
      const most = field(batch, "maxRequests");
      return status === 200 && field(batch, "enabled") === true && typeof most === "number" ? most : 0;
    } catch {
      return 0; // PocketBase is away: those who watch it say so
    }
  };
