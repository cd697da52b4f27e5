// The sample config file, used as it stands when there is no ./config.ts. To change something, copy it to
// ./config.ts and edit the copy. Every key is optional; docs/configuration.md lists them all. In a checkout,
// `import { defineConfig } from "./src/settings/defineConfig.ts"` and `export default defineConfig({ ... })` give
// an editor types and completion.
import crypto from "node:crypto";

export default {
  Server: {
    // `--port N` and PORT beat this.
    Port: 3599,
    // A single node leaves these four alone: clustering is not in this version yet.
    Nodes: [],
    NodeId: 0,
    MainNode: "ws://localhost:3599/ws/cache-sync",
    nodeEnabled: false,
    // How many processes share the port. This version runs one.
    threads: 1,
  },
  Security: {
    // A random text for each start; put a fixed one of 32 or more random characters to keep it across starts.
    Secret: crypto.randomUUID(),
  },
  ratelimit: {
    // Requests allowed per Duration (in ms); docs/limits.md says what counts how much.
    Max: 1000,
    Duration: 60_000,
    // true counts everybody by address; false counts signed-in callers by user and guests by address.
    IP: false,
    isEnabled: true,
    Message: "Too many requests.",
  },
};
