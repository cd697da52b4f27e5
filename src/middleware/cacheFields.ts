// The few request fields that the stage `cache` looks at, and the key that it makes of a read: both remembered for requests
// that are alike. Decides nothing: the stage says how a key is made.
import type { Exchange } from "../exchange.ts";

/** Fields of what may be answered without PocketBase. */
interface ReadFields {
  /** Whose pages may read the answer stands in it. */
  readonly origin: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** The client does not want a kept answer (RFC 9111 section 5.2.1). */
  readonly isForced: boolean;
}

const NAMES = { origin: "origin", ifNoneMatch: "if-none-match", cacheControl: "cache-control" } as const;
const LENGTHS = new Set(Object.values(NAMES).map(({ length }) => length));

/** Looks through a flat list of headers once. */
export const readFieldsOf = (headers: readonly string[]): ReadFields => {
  const found = new Map<string, string>();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    // By length first: most names are none of these.
    if (!LENGTHS.has(name.length)) continue;
    const lower = name.toLowerCase();
    const before = found.get(lower);
    found.set(lower, before === undefined ? (headers[i + 1] ?? "") : `${before},${headers[i + 1]}`);
  }
  const control = found.get(NAMES.cacheControl);
  return {
    origin: found.get(NAMES.origin),
    ifNoneMatch: found.get(NAMES.ifNoneMatch),
    isForced: control !== undefined && /\bno-(?:cache|store)\b/i.test(control),
  };
};

/** A read as it is looked up. */
interface Asked<Plan, Session> extends ReadFields {
  readonly plan: Plan;
  readonly session: Session;
  readonly key: string;
}

/** Makes the reader of fields and key; a key is made anew unless plan and session are the very ones it was made for. */
export const createAsk = <Plan, Session>(
  keyOf: (plan: Plan, session: Session, origin: string | undefined) => string,
) => {
  const known = new WeakMap<object, Asked<Plan, Session>>();
  return ({ alike, headers }: Exchange, plan: Plan, session: Session): Asked<Plan, Session> => {
    const before = alike === undefined ? undefined : known.get(alike);
    if (before !== undefined && before.plan === plan && before.session === session) return before;
    const fields = readFieldsOf(headers);
    const asked = { ...fields, plan, session, key: keyOf(plan, session, fields.origin) };
    if (alike !== undefined) known.set(alike, asked);
    return asked;
  };
};
