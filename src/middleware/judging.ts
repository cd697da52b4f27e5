// What judging a record needs to know beside its body, for new records and changes: who asks, to a rule and to the schema,
// and which PocketBase would answer. Judges nothing.
import { type Exchange, rankOf } from "../exchange.ts";
import type { CallerKind } from "../rules/mayPass.ts";
import type { Wording } from "../schema/fieldError.ts";
import type { BodyContext } from "../schema/resolveBody.ts";
import type { WantedRecords } from "../schema/wantedRecords.ts";
import type { Services } from "../services.ts";

type Principal = Exchange["principal"];

interface Judging {
  /** Who asks, as a rule sees it; undefined when PocketBase may see somebody else. */
  callerOf(principal: Principal): CallerKind | undefined;
  /** @param wanted - Takes down what the body is related to, beside the caller; it counts as there. */
  contextOf(principal: Principal, wanted?: WantedRecords): Omit<BodyContext, "action">;
  /** Whether PocketBase shows the caller all of these. */
  seesAll(exchange: Exchange, wanted: WantedRecords): Promise<boolean>;
}

export const createJudging = (services: Services): Judging => {
  const { cacheGate, collections, memberCalls } = services;
  return {
    callerOf: (principal) => {
      if (principal.kind === "guest") return principal;
      // A session that PocketBase has ended a moment ago would be a guest's.
      if (principal.session === undefined || cacheGate.closedBecause() !== undefined) return undefined;
      const { cid, uid } = principal.session;
      const collectionName = collections.find(cid)?.name;
      return collectionName === undefined
        ? undefined
        : { kind: "record", id: uid, collectionId: cid, collectionName };
    },
    contextOf: (principal, wanted) => {
      const own = recordOf(principal);
      return {
        isSuperuser: rankOf(principal) === "superuser",
        wording: wordingOf(services),
        isThere: (collectionId, id) => {
          if (collectionId === own?.collectionId && id === own.id) return true;
          wanted?.add(collectionId, id);
          return wanted !== undefined;
        },
      };
    },
    seesAll: async ({ client, credential = "" }, wanted) => {
      const paths = wanted.paths() ?? [""];
      const shown = paths.map((path) => path !== "" && memberCalls.maySee(credential, path, client.address));
      return (await Promise.all(shown)).every((one) => one === true);
    },
  };
};

const recordOf = (principal: Exchange["principal"]): { collectionId: string; id: string } | undefined => {
  const session = principal.kind === "record" ? principal.session : undefined;
  return session === undefined ? undefined : { collectionId: session.cid, id: session.uid };
};

// Versions between 0.39.1 and 0.40 can't be told apart, and their words for a number's limits may be either.
const wordingOf = ({ settings, upstreamState }: Services): Wording => {
  const { upstream, pocketbaseBin } = settings;
  if (upstream.url === undefined && pocketbaseBin === undefined) return "0.39";
  const state = upstreamState();
  const found = state.kind === "ready" ? state.findings.find(({ check }) => check === "version") : undefined;
  const line = found?.ok === true ? (found.line ?? "") : "";
  if (line.startsWith("0.40")) return "0.40";
  return /^0\.3[678]$/.test(line) ? "0.39" : "unknown";
};
