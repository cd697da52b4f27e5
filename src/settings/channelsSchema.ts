// `Realtime.Channels`: which channels there are, and what it takes to enter them. Lets nobody in.
import { z } from "zod";
import { type ChannelRule, isChannelPattern, readChannelAccess } from "../realtime/channelRules.ts";

const PATTERNS_MAX = 64;
const whole = (min: number, max: number, fallback: number) => z.int().min(min).max(max).default(fallback);

const channel = z.strictObject({
  Join: z.string(),
  MaxMembers: whole(1, 1_000, 200),
  MaxMessageBytes: whole(1, 32_768, 4_096),
  MaxMessagesPerSecond: whole(1, 100, 10),
});

/** Patterns to what they take. */
export const channels = z
  .record(z.string().refine(isChannelPattern), channel)
  .refine((value) => Object.keys(value).length <= PATTERNS_MAX)
  .refine((value) =>
    Object.entries(value).every(([pattern, { Join }]) => readChannelAccess(Join, pattern) !== undefined),
  )
  .default({})
  .meta({
    description:
      "Channels on which WebSocket clients see each other and send messages that are stored nowhere (docs/realtime.md). Join says who may enter: everybody, whoever is signed in, or whoever may see the record that the name says.",
    allowed: `an object of at most ${PATTERNS_MAX} name patterns of one to four segments such as "room/{room}", each with { Join: "public", "auth" or "collection/{parameter}", MaxMembers?: 1 to 1000 (200), MaxMessageBytes?: 1 to 32768 (4096), MaxMessagesPerSecond?: 1 to 100 of one member (10) }`,
  });

/** The channels of checked settings, in their order. */
export const toChannels = (group: z.output<typeof channels>): ChannelRule[] =>
  Object.entries(group).flatMap(([pattern, row]) => {
    const access = readChannelAccess(row.Join, pattern);
    if (access === undefined) return [];
    return {
      pattern,
      access,
      membersMax: row.MaxMembers,
      messageBytesMax: row.MaxMessageBytes,
      messagesPerSecondMax: row.MaxMessagesPerSecond,
    };
  });
