// Texts that several settings tests share. Holds no logic.

/** A config file that uses every basic key, as a user may have it. */
export const FULL_CONFIG = `import crypto from "crypto";
export default {
  Server: { Port: 3599, Nodes: [], NodeId: 0, MainNode: "ws://localhost:3599/ws/cache-sync", threads: 4, nodeEnabled: false },
  Security: { Secret: crypto.randomUUID() },
  ratelimit: { Max: 10, Duration: 60000, IP: true, isEnabled: true, Message: "You have reached the maximum number of requests per minute" },
};
`;

/** The variables of a Hapta in front of somebody's PocketBase. */
export const EXTERNAL = {
  DB_URL: "http://127.0.0.1:8090",
  ADMIN_EMAIL: "root@example.com",
  ADMIN_PASSWORD: "pw-that-must-not-show",
} as const;
