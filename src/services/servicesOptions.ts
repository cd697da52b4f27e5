// What the composition root is given. Builds nothing.
import type { Log } from "../insight/log.ts";
import type { UpstreamState } from "../pocketbase/connect.ts";
import type { Following } from "../pocketbase/following.ts";
import type { Settings } from "../settings.ts";

/** From the start of the process: what was set, where the log goes, and what is known of PocketBase. */
export interface ServicesOptions {
  readonly settings: Settings;
  readonly log: Log;
  /** Base address of PocketBase. */
  readonly upstreamUrl: string;
  readonly following: Following;
  readonly upstreamState: () => UpstreamState;
  /** Whether it is known that PocketBase runs no code but its own: no hooks. */
  readonly isPlain: () => boolean;
  /** Reads the settings once more. @throws SettingsError */
  readonly rereadSettings: () => Promise<Settings>;
}
