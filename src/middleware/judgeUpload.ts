// Decides, for the stage `forward`, what becomes of an objection to an upload: whether PocketBase would surely refuse the
// form, and with these words, so that the rest of it need not come. What PocketBase may see differently, it judges.
import { batchItemsOf } from "../batch/batchItems.ts";
import { filePlaceOf } from "../batch/filePlace.ts";
import { Refusal } from "../errors.ts";
import { type Exchange, rankOf } from "../exchange.ts";
import { FormJudge, type JudgeOptions, type Objection } from "../files/formJudge.ts";
import type { UploadJudge } from "../files/uploadRewriter.ts";
import type { CacheGate } from "../pocketbase/cacheGate.ts";
import type { Collection } from "../pocketbase/collection.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import { surelyPasses } from "../rules/mayPass.ts";
import { FAILED } from "../schema/validateBody.ts";
import type { Services } from "../services.ts";

const PATH = /^\/api\/collections\/([^/]+)\/records(?:\/([^/]+))?$/;
/** When less is left of a form it may as well come: PocketBase's answer names what is wrong in other fields, too. */
const REST_BYTES_MIN = 262_144;

interface Write {
  readonly exchange: Exchange;
  readonly collection: Collection;
  readonly recordId: string | undefined;
}

/** Makes the judge of an exchange's form; undefined when PocketBase alone judges it. */
export const createJudgeUpload = ({
  cacheGate,
  collections,
  memberCalls,
  settings,
}: Services): ((exchange: Exchange) => UploadJudge | undefined) => {
  const { checks, pixelsMax } = settings.files;
  const surelyMay = createSurelyMay(cacheGate, collections);
  const judges = { judgesLimits: checks !== "pocketbase", isStrict: checks === "strict", pixelsMax };

  // The caller gets past the rule, the record is there, and the collection is still as it was.
  const isCertain = async ({ exchange, collection, recordId }: Write): Promise<boolean> => {
    // After a quiet time a moment brings proof that sessions still count.
    if (cacheGate.closedBecause() !== undefined) await cacheGate.reopened();
    if (!surelyMay(exchange, collection, recordId)) return false;
    if (!(await collections.confirm(0)) || !collections.all().includes(collection)) return false;
    if (recordId === undefined) return true;
    const path = `/api/collections/${collection.id}/records/${recordId}?fields=id`;
    return (await memberCalls.maySee(exchange.credential ?? "", path, exchange.client.address)) === true;
  };

  const settle = async (
    write: Write,
    objection: Objection,
    restBytes: number | undefined,
  ): Promise<Refusal | undefined> => {
    if ((restBytes ?? REST_BYTES_MIN) < REST_BYTES_MIN || !(await isCertain(write))) return undefined;
    return new Refusal("record_invalid", {
      data: { [objection.field]: objection.error },
      message: FAILED[write.recordId === undefined ? "create" : "update"],
    });
  };

  const ofRecord = (exchange: Exchange): UploadJudge | undefined => {
    const [, segment = "", recordId] = PATH.exec(exchange.path) ?? [];
    const collection = collections.current().find(segment);
    if (collection === undefined) return undefined;
    const judge = new FormJudge(collection, {
      ...judges,
      isSuperuser: rankOf(exchange.principal) !== "other",
    });
    return {
      part: (info) => judge.part(info),
      data: (chunk) => judge.data(chunk),
      settle: (objection, restBytes) => settle({ exchange, collection, recordId }, objection, restBytes),
    };
  };

  return (exchange) => {
    if (!judges.judgesLimits && pixelsMax === 0) return undefined;
    return exchange.route.kind === "batch" ? judgeBatch(exchange, collections, judges) : ofRecord(exchange);
  };
};

// An item before may deny the whole batch, so the fields' own limits are PocketBase's to judge.
const judgeBatch = (
  { batchPayload }: Exchange,
  collections: LiveSchema,
  judges: Omit<JudgeOptions, "isSuperuser">,
): UploadJudge => {
  const items = batchItemsOf(batchPayload);
  let judge: FormJudge | undefined;
  return {
    part: (info) => {
      const place = filePlaceOf(items, info.name);
      const collection = collections.current().find(place?.collection ?? "");
      judge = undefined;
      if (place === undefined || collection === undefined) return undefined;
      judge = new FormJudge(collection, { ...judges, judgesLimits: false, isSuperuser: true });
      return judge.part({ ...info, name: place.field });
    },
    data: (chunk) => judge?.data(chunk),
  };
};

type SurelyMay = (exchange: Exchange, collection: Collection, recordId: string | undefined) => boolean;

/** Whether no rule can come first. */
const createSurelyMay =
  (cacheGate: CacheGate, collections: LiveSchema): SurelyMay =>
  ({ principal }, { isSystem, rules }, recordId) => {
    const rank = rankOf(principal);
    const rule = recordId === undefined ? rules.create : rules.update;
    if (isSystem || rank === "unsure") return false;
    if (rank === "superuser" || rule === "") return true;
    if (rule === null || principal.kind !== "record" || principal.session === undefined) return false;
    // A session that PocketBase has ended a moment ago would be a guest's.
    if (cacheGate.closedBecause() !== undefined) return false;
    const { cid: collectionId } = principal.session;
    const collectionName = collections.find(collectionId)?.name ?? "";
    return surelyPasses(rule, { kind: "record", collectionId, collectionName });
  };
