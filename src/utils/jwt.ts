// Looks into JSON web tokens without believing them: shape and claims, never validity.

/** The claims Hapta looks at. */
export interface ReadClaims {
  readonly id?: string;
  readonly collectionId?: string;
  readonly type?: string;
  readonly iss?: string;
  /** Unix seconds. */
  readonly exp?: number;
  readonly refreshable?: boolean;
}

/** The token in an Authorization value, with or without `Bearer` or `DPoP` (RFC 9449 section 7.1). */
export const tokenTextOf = (authorization: string): string => authorization.replace(/^(?:bearer|dpop) /i, "");

/** Whether PocketBase would try to read this as a token: three segments. */
export const isPocketBaseShaped = (token: string): boolean => /^[^. ]+\.[^. ]+\.[^. ]*$/.test(token);

/** The claims of a token, members of the wrong type left out; undefined when there are none to read. */
export const claimsOf = (token: string): ReadClaims | undefined => {
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
    const claims: unknown = JSON.parse(payload);
    if (typeof claims !== "object" || claims === null) return undefined;
    const text = (name: string): string | undefined => {
      const value: unknown = Reflect.get(claims, name);
      return typeof value === "string" ? value : undefined;
    };
    const exp: unknown = Reflect.get(claims, "exp");
    const refreshable: unknown = Reflect.get(claims, "refreshable");
    return {
      ...pick("id", text("id")),
      ...pick("collectionId", text("collectionId")),
      ...pick("type", text("type")),
      ...pick("iss", text("iss")),
      ...(typeof exp === "number" ? { exp } : {}),
      ...(typeof refreshable === "boolean" ? { refreshable } : {}),
    };
  } catch {
    return undefined; // not a token
  }
};

const pick = (name: string, value: string | undefined): Record<string, string> =>
  value === undefined ? {} : { [name]: value };
