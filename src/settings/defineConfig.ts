// The helper that gives a config file types and completion in an editor. Checks nothing at run time.
import type { UserConfig } from "./schema.ts";

/**
 * Returns its argument unchanged; write `export default defineConfig({ ... })` in a config.ts that lies in a
 * checkout of Hapta, importing it from "./src/settings/defineConfig.ts". A config file for the compiled binary
 * exports the plain object.
 */
export const defineConfig = (config: UserConfig): UserConfig => config;
