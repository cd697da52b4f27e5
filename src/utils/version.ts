// Hapta's own version, from package.json, and the commit a binary was built from. Not PocketBase's version.
import manifest from "../../package.json" with { type: "json" };

/** Filled in by Scripts/build.sh with --define; absent when the source is run directly. */
declare const HAPTA_COMMIT: string | undefined;

/** The version, such as "0.1.0", or "0.1.0 (1a2b3c4)" in a built binary. */
export const VERSION: string =
  typeof HAPTA_COMMIT === "string" && HAPTA_COMMIT !== ""
    ? `${manifest.version} (${HAPTA_COMMIT})`
    : manifest.version;
