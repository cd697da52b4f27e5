// The keys of the config file about logins through OAuth2 providers.
import { z } from "zod";
import { isRedirectUrl } from "../utils/redirectUrl.ts";
import { choiceNote, listOf, toggle } from "./pieces.ts";

const ISSUERS_MAX = 64;
const VERIFIERS = ["issued", "any"] as const;

/** `OAuth2`. */
export const oauth2 = z.strictObject({
  PublicURL: z
    .union([
      z.literal(""),
      z
        .url({ protocol: /^https?$/ })
        .max(2048)
        .refine(isRedirectUrl),
    ])
    .default("")
    .meta({
      description:
        "Hapta's own address as browsers know it, for the callback that is registered with the providers; empty takes the scheme and host that the visitor used.",
      allowed: "an http:// or https:// URL without query, or an empty text",
    }),
  Issuers: z
    .record(z.string().regex(/^[\w-]{1,64}$/), z.url({ protocol: /^https?$/ }).max(2048))
    .refine((value) => Object.keys(value).length <= ISSUERS_MAX)
    .default({})
    .meta({
      description:
        "The issuer of each provider that sends `iss` with its answers (RFC 9207); an answer without exactly it is refused. For the others an `iss` must lie at the origin of the provider's login page.",
      allowed: `an object of at most ${ISSUERS_MAX} provider names, each with an http:// or https:// URL`,
    }),
  RedirectURLs: listOf(
    {
      sentence:
        "The exact URLs a login through a provider may end at: pages of your apps, or app schemes. Empty switches the flows under /auth/oauth2 off and leaves the SDK's redirectURL to the provider's own check.",
      allowed: "an absolute URL without user, fragment and dot segments",
      example: "https://app.example.com/welcome",
    },
    (entry) => (isRedirectUrl(entry) ? entry : undefined),
  ),
  DeviceLogin: toggle({
    fallback: false,
    sentence:
      "Whether a device without a browser may be logged in from another one (docs/oauth2.md). Anybody can then send somebody a code and ask for a yes: the page says what it is about.",
  }),
  Verifiers: z
    .enum(VERIFIERS)
    .default("issued")
    .meta(
      choiceNote(
        VERIFIERS,
        "Which PKCE verifiers a provider's code may come with: those that /auth-methods handed out for that provider in the last ten minutes, or any, for native provider kits that make their own.",
      ),
    ),
});

/** How logins through providers go. */
export interface OAuthSettings {
  /** Absolute URLs, compared exactly. */
  readonly redirectUrls: readonly string[];
  readonly verifiers: "issued" | "any";
  readonly isDeviceLoginEnabled: boolean;
  /** Without a trailing slash; undefined = what the visitor typed. */
  readonly publicUrl: string | undefined;
  /** Issuer of each provider that has a fixed one. */
  readonly issuers: Readonly<Record<string, string>>;
}

/** Gives the settings their inner names. */
export const toOAuth = (group: z.output<typeof oauth2>): OAuthSettings => ({
  redirectUrls: group.RedirectURLs,
  verifiers: group.Verifiers,
  isDeviceLoginEnabled: group.DeviceLogin,
  publicUrl: group.PublicURL === "" ? undefined : group.PublicURL.replace(/\/+$/, ""),
  issuers: group.Issuers,
});
