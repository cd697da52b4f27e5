// `/openapi.json` for whoever asks: built once per schema and audience, kept with its ETag.
import { Refusal } from "../../errors.ts";
import type { Principal } from "../../exchange.ts";
import { type Audience, audienceKey } from "../../openapi/audience.ts";
import { buildDocument } from "../../openapi/document.ts";
import type { Schema } from "../../pocketbase/liveSchema.ts";
import { mayPass } from "../../rules/mayPass.ts";
import type { Services } from "../../services.ts";
import { VERSION } from "../../utils/version.ts";
import { type Content, toContent } from "./content.ts";

/** A schema that was PocketBase's this long ago is new enough for docs. */
const AGE_MS_MAX = 1_000;

/**
 * Gives the description for a caller.
 * @throws Refusal `upstream_unreachable` when the collections were never read.
 */
export const createDescriptions = ({
  collections,
  settings,
}: Services): ((principal: Principal) => Promise<Content>) => {
  let version = -1;
  const made = new Map<string, Content>();

  return async (principal) => {
    // When PocketBase can't be asked, what was last read is still the best description.
    await collections.confirm(AGE_MS_MAX);
    const current = collections.current();
    if (current.version === 0) throw new Refusal("upstream_unreachable");
    if (current.version !== version) {
      version = current.version;
      made.clear();
    }
    const audience = audienceOf(principal);
    const key = audienceKey(audience);
    const known = made.get(key);
    if (known !== undefined) return known;
    const description = describe(current, audience, settings.oauth2.isDeviceLoginEnabled);
    // As many as there are auth collections, and two.
    made.set(key, description);
    return description;
  };
};

const audienceOf = (principal: Principal): Audience => {
  if (principal.kind === "superuser") return { kind: "superuser" };
  const cid = principal.kind === "record" ? principal.session?.cid : undefined;
  return cid === undefined ? { kind: "guest" } : { kind: "record", collectionId: cid };
};

const describe = (schema: Schema, audience: Audience, hasDeviceLogin: boolean): Content => {
  const document = buildDocument({
    collections: schema.collections,
    audience,
    mayPass: (rule, asker, collection) => {
      if (asker.kind === "superuser") return true;
      if (asker.kind === "guest") return mayPass(rule, asker, collection);
      const collectionName = schema.find(asker.collectionId)?.name ?? "";
      return mayPass(rule, { ...asker, collectionName }, collection);
    },
    version: VERSION,
    title: "API",
    hasDeviceLogin,
  });
  return toContent(Buffer.from(`${JSON.stringify(document)}\n`));
};
