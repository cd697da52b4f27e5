// What OAuth2 needs over many requests, built once: the verifiers Hapta issues and the providers a collection offers.
// Speaks neither HTTP nor to PocketBase.
import { type OfferedProvider, providersIn } from "./authMethods.ts";
import { createIssuedVerifiers, type IssuedVerifiers } from "./issuedVerifiers.ts";

/** Keys and calls from outside. */
export interface OAuthOptions {
  /** A key for each use that has a name. */
  readonly keyFor: (use: string) => Uint8Array;
  /** PocketBase's list of login methods for a visitor; undefined when it cannot be had. Never rejects. */
  readonly loginMethods: (collection: string, clientAddress: string) => Promise<unknown>;
  /** Unix time in ms. */
  readonly now: () => number;
}

export interface OAuth {
  readonly verifiers: IssuedVerifiers;
  /** The providers of a collection (name or id) as a visitor is offered them; undefined when PocketBase could not be asked. */
  providersOf(collection: string, clientAddress: string): Promise<OfferedProvider[] | undefined>;
}

export const createOAuth = ({ keyFor, loginMethods, now }: OAuthOptions): OAuth => ({
  verifiers: createIssuedVerifiers(keyFor("verifiers"), now),
  providersOf: async (collection, clientAddress) => {
    const methods = await loginMethods(collection, clientAddress);
    return methods === undefined ? undefined : providersIn(methods);
  },
});
