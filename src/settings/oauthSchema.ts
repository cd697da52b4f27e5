// The keys of the config file about logins through OAuth2 providers.
import { z } from "zod";
import { isRedirectUrl } from "../utils/redirectUrl.ts";
import { choiceNote, listOf } from "./pieces.ts";

const VERIFIERS = ["issued", "any"] as const;

/** `OAuth2`. */
export const oauth2 = z.strictObject({
  RedirectURLs: listOf(
    {
      sentence:
        "The exact URLs a login through a provider may end at: pages of your apps, or app schemes. Empty switches the flows under /auth/oauth2 off and leaves the SDK's redirectURL to the provider's own check.",
      allowed: "an absolute URL without user, fragment and dot segments",
      example: "https://app.example.com/welcome",
    },
    (entry) => (isRedirectUrl(entry) ? entry : undefined),
  ),
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
