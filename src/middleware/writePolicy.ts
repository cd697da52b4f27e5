// What a write to a collection takes besides PocketBase's own rules: an app's signature, a bound session, a session.
// Concerns records and batches; reads, the app's own routes and superusers pass.
import { batchItemsOf } from "../batch/batchItems.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import type { WriteSettings } from "../settings/proofsSchema.ts";

export interface WritePolicyParts {
  /** By the collection's name or id, as the settings spell it. */
  readonly writes: ReadonlyMap<string, WriteSettings>;
  readonly collections: Pick<LiveSchema, "find" | "refresh">;
}

/** @throws Refusal `write_denied`, or `upstream_unreachable` when it cannot be known which collection is meant. */
export type CheckWrite = (exchange: Exchange) => undefined | Promise<undefined>;

const RECORDS = /^\/api\/collections\/([^/?]+)\/records(?:[/?]|$)/;
const WRITES = new Set(["POST", "PUT", "PATCH", "DELETE"]);
/** PocketBase is asked for its collections at most this often because somebody named one that is not known. */
const REFRESH_EVERY_MS = 250;

export const createCheckWrite = ({ writes, collections }: WritePolicyParts): CheckWrite => {
  let next: Promise<boolean> | undefined;
  let freeAtMs = Number.NEGATIVE_INFINITY;

  // One resource has many spellings: its id, its name, and its name in any case.
  const policiesOf = (segment: string): WriteSettings[] => {
    const id = collections.find(segment)?.id;
    if (id === undefined) return [];
    return [...writes].filter(([key]) => collections.find(key)?.id === id).map(([, policy]) => policy);
  };

  const judge = (exchange: Exchange, segments: readonly string[]): undefined => {
    for (const policy of segments.flatMap(policiesOf)) {
      if (!isMet(policy, exchange)) throw new Refusal("write_denied");
    }
    return undefined;
  };

  // One reading for all who come before it begins: what they hear is never older than their question.
  const refreshSeldom = (): Promise<boolean> => {
    next ??= new Promise((resolve) => {
      const begin = (): void => {
        next = undefined;
        freeAtMs = performance.now() + REFRESH_EVERY_MS;
        resolve(collections.refresh());
      };
      setTimeout(begin, Math.max(0, freeAtMs - performance.now()));
    });
    return next;
  };

  return (exchange) => {
    if (!WRITES.has(exchange.method) || exchange.principal.kind === "superuser") return undefined;
    const segments = segmentsOf(exchange);
    if (segments.every((segment) => collections.find(segment) !== undefined))
      return judge(exchange, segments);
    // One that is not known might be new, and named by its id. What PocketBase knows not either, it refuses itself.
    return refreshSeldom().then((isRead) => {
      if (!isRead) throw new Refusal("upstream_unreachable");
      return judge(exchange, segments);
    });
  };
};

const isMet = (policy: WriteSettings, { principal, proven }: Exchange): boolean => {
  const session = principal.kind === "record" ? principal.session : undefined;
  if (policy.needsSession && session === undefined) return false;
  if (policy.needsBoundSession && session?.jkt === undefined) return false;
  return policy.appIds === undefined || (proven.appId !== undefined && policy.appIds.includes(proven.appId));
};

const segmentsOf = ({ route, path, batchPayload }: Exchange): string[] => {
  const paths = route.kind === "batch" ? batchItemsOf(batchPayload).map(({ url }) => url) : [path];
  return paths.flatMap((one) => {
    const segment = RECORDS.exec(one)?.[1];
    return segment === undefined ? [] : [decoded(segment)];
  });
};

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // no UTF-8: names nothing
  }
};
