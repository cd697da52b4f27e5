// JSON bodies of records: read strictly, written anew, and refused where PocketBase would surely refuse a new record.
// Who may write, and what a change does to what is stored, is PocketBase's to judge.
import { BodyBudget } from "../bodies/bodyBudget.ts";
import { readUpTo } from "../bodies/readUpTo.ts";
import { readRecordBody } from "../bodies/recordBody.ts";
import { Refusal } from "../errors.ts";
import { type Exchange, rankOf } from "../exchange.ts";
import type { Collection } from "../pocketbase/collection.ts";
import type { FieldErrors, Wording } from "../schema/fieldError.ts";
import { validateBody } from "../schema/validateBody.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";

const PATH = /^\/api\/collections\/([^/]+)\/records(\/[^/]+)?$/;
/** Larger bodies flow on to PocketBase unread: reading one of this size strictly may cost 4 ms of CPU. */
const JUDGED_BYTES_MAX = 32_768;
const TIMEOUT_MS = 30_000;
/** For all bodies that are being read at the same time; those that find no room flow on unread. */
const BUDGET = { bytesMax: 67_108_864, bytesPerClientMax: 8_388_608 };

/** @throws Refusal `record_invalid`, `body_invalid`, or `body_too_slow`. */
export type CheckRecord = (exchange: Exchange) => undefined | Promise<undefined>;

interface Write {
  readonly segment: string;
  readonly isSuperuser: boolean;
  readonly members: Readonly<Record<string, unknown>>;
}

export const createCheckRecord = (services: Services): CheckRecord => {
  const { collections } = services;
  const budget = new BodyBudget(BUDGET);

  const errorsOf = ({ segment, isSuperuser, members }: Write): FieldErrors | undefined => {
    const collection = collections.current().find(segment);
    if (collection === undefined || !isOpen(collection, isSuperuser)) return undefined;
    return validateBody(collection, members, { action: "create", isSuperuser, wording: wordingOf(services) });
  };

  const judge = async (write: Write): Promise<undefined> => {
    if (errorsOf(write) === undefined) return undefined;
    // Asked again before anybody is refused: the collections may have changed a moment ago.
    if (!(await collections.confirm(0))) return undefined;
    const errors = errorsOf(write);
    if (errors === undefined) return undefined;
    throw new Refusal("record_invalid", { data: errors });
  };

  const check = async (exchange: Exchange, segment: string): Promise<undefined> => {
    const bytes = await readShort(exchange, budget);
    const read = bytes === undefined ? undefined : readRecordBody(bytes);
    if (read === undefined) return undefined;
    exchange.body = { kind: "bytes", bytes: read.bytes };
    const rank = rankOf(exchange.principal);
    if (exchange.method !== "POST" || rank === "unsure") return undefined;
    return judge({ segment, isSuperuser: rank === "superuser", members: read.members });
  };

  return (exchange) => {
    const { body, headers, method, path } = exchange;
    if (body.kind === "none" || (method !== "POST" && method !== "PATCH")) return undefined;
    // PocketBase matches the type case-sensitively.
    if (headerValue(headers, "content-type")?.startsWith("application/json") !== true) return undefined;
    const [, segment, record] = PATH.exec(path) ?? [];
    if (segment === undefined || (record === undefined) !== (method === "POST")) return undefined;
    return isClosed(exchange, segment) ? undefined : check(exchange, segment);
  };

  // PocketBase answers 403 to whatever comes here.
  function isClosed({ method, principal }: Exchange, segment: string): boolean {
    const rules = collections.current().find(segment)?.rules;
    return rankOf(principal) === "other" && rules?.[method === "POST" ? "create" : "update"] === null;
  }
};

// A rule that asks for something may deny the caller, and that answer comes first.
const isOpen = ({ isSystem, rules }: Collection, isSuperuser: boolean): boolean =>
  !isSystem && (isSuperuser || rules.create === "");

const readShort = async (exchange: Exchange, budget: BodyBudget): Promise<Uint8Array | undefined> => {
  const { body, client } = exchange;
  if (body.kind === "none") return undefined;
  if (body.kind === "bytes") return body.bytes.length > JUDGED_BYTES_MAX ? undefined : body.bytes;
  const reserved = body.length ?? JUDGED_BYTES_MAX;
  if (reserved > JUDGED_BYTES_MAX || !budget.tryTake(client.block, reserved)) return undefined;
  try {
    const read = await readUpTo(body.source, { bytesMax: JUDGED_BYTES_MAX, timeoutMs: TIMEOUT_MS });
    exchange.body =
      read.kind === "longer" ? { ...body, source: read.source } : { kind: "bytes", bytes: read.bytes };
    return read.kind === "whole" ? read.bytes : undefined;
  } finally {
    budget.give(client.block, reserved);
  }
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
