// What the stage `cache` looks a read up by: a few request fields and the key, both remembered for requests that are alike.
// Decides nothing: the stage says how a key is made.
import type { Exchange } from "../exchange.ts";
import { type ReadFields, readFieldsOf } from "../utils/readFields.ts";

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
