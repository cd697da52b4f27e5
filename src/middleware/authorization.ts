// Reads the Authorization field: the one text it may be, and the token in it. A helper of the stage `identify`; whether
// the token is any good is asked elsewhere, with every request.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { isPocketBaseShaped, tokenTextOf } from "../utils/jwt.ts";

/** Longest Authorization value that is looked at. */
const AUTHORIZATION_BYTES_MAX = 4096;
// Visible ASCII and single blanks; a comma would be two values joined by a proxy (RFC 9110 section 5.2).
const AUTHORIZATION = /^[\x21-\x2b\x2d-\x7e]+(?: [\x21-\x2b\x2d-\x7e]+)*$/;

/** What a request brings in Authorization; both undefined without one. */
export interface Presented {
  readonly value: string | undefined;
  /** What PocketBase would try to read as a token. */
  readonly token: string | undefined;
}

type ReadAuthorization = (exchange: Pick<Exchange, "alike" | "authorizations">) => Presented;

const NOTHING: Presented = { value: undefined, token: undefined };

/** Makes the reader; requests that are alike are read once. It throws Refusal `authorization_invalid`. */
export const createReadAuthorization = (): ReadAuthorization => {
  const known = new WeakMap<object, Presented>();
  return ({ alike, authorizations }) => {
    if (authorizations.length === 0) return NOTHING;
    const before = alike === undefined ? undefined : known.get(alike);
    if (before !== undefined) return before;
    const value = soleValue(authorizations);
    const presented = value === undefined ? NOTHING : { value, token: shaped(tokenTextOf(value)) };
    if (alike !== undefined) known.set(alike, presented);
    return presented;
  };
};

/** A text that PocketBase would try to read as a token; undefined for any other. */
export const shaped = (text: string): string | undefined => (isPocketBaseShaped(text) ? text : undefined);

const soleValue = ([value = "", ...others]: readonly string[]): string | undefined => {
  if (others.length > 0) throw new Refusal("authorization_invalid");
  if (value === "") return undefined;
  if (value.length > AUTHORIZATION_BYTES_MAX || !AUTHORIZATION.test(value))
    throw new Refusal("authorization_invalid");
  return value;
};
