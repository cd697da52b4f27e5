// The keys of the config file about where Hapta listens, how it ends, and the cluster that is not there yet. What they say
// together is judged in checks.ts.
import { z } from "zod";
import { readHostName, seconds, toggle, wholeNumber } from "./pieces.ts";

/** `Server`. */
export const server = z.strictObject({
  Port: wholeNumber({
    min: 0,
    max: 65535,
    fallback: 3599,
    sentence: "The TCP port to listen on; 0 picks a free one.",
  }),
  Host: z
    .string()
    .refine((text) => !text.startsWith("[") && readHostName(text) !== undefined)
    .default("0.0.0.0")
    .meta({
      description:
        "The address to listen on. The default is reached as localhost and from the local network; 127.0.0.1 keeps Hapta on this machine, :: adds IPv6.",
      allowed: "a host name or IP address without scheme, port and brackets",
    }),
  Nodes: z.array(z.string().max(2048)).max(64).default([]).meta({
    description: "The other nodes of a cluster. Must be empty: clustering is not in this version yet.",
    allowed: "an empty list",
  }),
  NodeId: wholeNumber({
    min: 0,
    max: 1023,
    fallback: 0,
    sentence: "The number of this node, unique in its cluster.",
  }),
  MainNode: z
    .url({ protocol: /^wss?$/ })
    .max(2048)
    .default("ws://localhost:3599/ws/cache-sync")
    .meta({
      description: "Where the main node of a cluster listens for the others. Not used by a single node.",
      allowed: "a ws:// or wss:// URL",
    }),
  threads: wholeNumber({
    min: 1,
    max: 64,
    fallback: 1,
    sentence: "How many processes share the port. Above 1 is accepted, but this version runs one.",
  }),
  nodeEnabled: toggle({
    fallback: false,
    sentence: "Whether this node joins a cluster. Must be false: clustering is not in this version yet.",
  }),
  MaxBodyBytes: wholeNumber({
    min: 1024,
    max: 2 ** 50,
    fallback: 10 * 2 ** 30,
    unit: "bytes",
    sentence: "The largest request body that is relayed; PocketBase's own limits still apply.",
  }),
  DrainTimeout: seconds({
    min: 0,
    max: 3600,
    fallback: 10,
    sentence: "How long requests may finish after SIGTERM before they are cut.",
  }),
  MaxConnections: wholeNumber({
    min: 1,
    max: 1_000_000,
    fallback: 16384,
    sentence: "The most client connections at a time; further ones are closed.",
  }),
});
