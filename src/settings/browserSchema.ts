// The keys of the config file about web pages: whose pages may write, and whether a session may live in a cookie.
import { z } from "zod";
import { readOrigin } from "../utils/webOrigin.ts";
import { choiceNote, listOf, toggle } from "./pieces.ts";

/** `Security.Origins`. */
export const origins = listOf(
  {
    sentence:
      "The web origins whose pages may write through Hapta and read its answers, besides its own (docs/browser.md); empty lets every page, as PocketBase does.",
    allowed: "a scheme, a host and a port where it is not the default one, without path",
    example: "https://app.example.com",
  },
  readOrigin,
);

const SAME_SITE = ["lax", "strict"] as const;

/** `Security.Cookies`. */
export const cookies = z
  .strictObject({
    isEnabled: toggle({
      fallback: false,
      sentence:
        "Whether browser apps may keep their session in an HttpOnly cookie instead of a token (docs/browser.md).",
    }),
    SameSite: z
      .enum(SAME_SITE)
      .default("lax")
      .meta(
        choiceNote(
          SAME_SITE,
          "The SameSite rule of that cookie; strict also leaves it out when somebody follows a link to the app.",
        ),
      ),
  })
  .prefault({});
