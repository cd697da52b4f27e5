// Mixes people and texts into the demo's records: always the same ones, with fixed ids. Writes nothing.
import { DEMO_PASSWORD, PEOPLE } from "./people.ts";
import { COMMENTS, NOTES, TOPICS } from "./texts.ts";

/** Values of one record; `id` is always there, so that writing it twice makes one record. */
export type DemoRecord = { readonly id: string } & Readonly<Record<string, unknown>>;

/** All records of one collection. */
export type DemoTable = { readonly collection: string; readonly records: readonly DemoRecord[] };

const SEED = 20_390_401;
const LAST_DAY_MS = Date.UTC(2026, 2, 1, 18);
const HOUR_MS = 3_600_000;

/**
 * The whole demo in an order in which relations find their targets: 20 users, 56 posts (8 of them drafts)
 * and some hundred comments, likes, follows and bookmarks.
 */
export function demoTables(): readonly DemoTable[] {
  const random = randomFrom(SEED);
  const posts = makePosts(random);
  const published = posts.filter((post) => post["status"] === "published").map((post) => post.id);
  return [
    { collection: "users", records: PEOPLE.map((person, index) => makeUser(person, index)) },
    { collection: "posts", records: posts },
    { collection: "comments", records: makeComments(published, random) },
    { collection: "likes", records: makeLikes(published, random) },
    { collection: "follows", records: makeFollows(random) },
    { collection: "bookmarks", records: makeBookmarks(published, random) },
  ];
}

/** The fixed id of a demo record, 15 characters, such as `demopost0000007`. `kind` has four letters. */
export function demoId(kind: string, index: number): string {
  return `demo${kind}${String(index + 1).padStart(7, "0")}`;
}

function makeUser(person: (typeof PEOPLE)[number], index: number): DemoRecord {
  return {
    id: demoId("user", index),
    ...person,
    password: DEMO_PASSWORD,
    passwordConfirm: DEMO_PASSWORD,
    verified: true,
  };
}

function makePosts(random: () => number): DemoRecord[] {
  const titles = TOPICS[0]?.titles.length ?? 0;
  return Array.from({ length: TOPICS.length * titles }, (_, index) => {
    const topic = pick(TOPICS, index % TOPICS.length);
    const second = pick(TOPICS, Math.floor(random() * TOPICS.length));
    const isDraft = index % titles === 5;
    const paragraphs = [pickSome(topic.sentences, random), pickSome(topic.sentences, random)];
    const published = new Date(LAST_DAY_MS - index * 17 * HOUR_MS).toISOString().replace("T", " ");
    return {
      id: demoId("post", index),
      author: userAt(random() ** 1.5),
      title: pick(topic.titles, Math.floor(index / TOPICS.length)),
      body: paragraphs.map((sentences) => `<p>${sentences.join(" ")}</p>`).join("\n"),
      status: isDraft ? "draft" : "published",
      tags: [...new Set([topic.tag, second.tag])],
      publishedAt: isDraft ? "" : published,
    };
  });
}

function makeComments(posts: readonly string[], random: () => number): DemoRecord[] {
  return Array.from({ length: 170 }, (_, index) => ({
    id: demoId("comm", index),
    post: pick(posts, Math.floor(random() ** 2 * posts.length)),
    author: userAt(random()),
    text: pick(COMMENTS, Math.floor(random() * COMMENTS.length)),
  }));
}

function makeLikes(posts: readonly string[], random: () => number): DemoRecord[] {
  const pairs = distinctPairs(260, () => [
    pick(posts, Math.floor(random() ** 2 * posts.length)),
    userAt(random()),
  ]);
  return pairs.map(([post, user], index) => ({ id: demoId("like", index), post, user }));
}

function makeFollows(random: () => number): DemoRecord[] {
  const pairs = distinctPairs(90, () => [userAt(random()), userAt(random() ** 2)]);
  return pairs
    .filter(([follower, followed]) => follower !== followed)
    .map(([follower, followed], index) => ({ id: demoId("foll", index), follower, followed }));
}

function makeBookmarks(posts: readonly string[], random: () => number): DemoRecord[] {
  const pairs = distinctPairs(40, () => [userAt(random()), pick(posts, Math.floor(random() * posts.length))]);
  return pairs.map(([user, post], index) => ({
    id: demoId("book", index),
    user,
    post,
    note: pick(NOTES, index % NOTES.length),
  }));
}

/** Draws `draws` pairs and drops those drawn before. */
function distinctPairs(draws: number, draw: () => readonly [string, string]): (readonly [string, string])[] {
  const pairs = Array.from({ length: draws }, draw);
  return [...new Map(pairs.map((pair) => [pair.join("/"), pair])).values()];
}

/** Up to four of the sentences, in their order, at least one. */
function pickSome(sentences: readonly string[], random: () => number): string[] {
  const chosen = sentences.filter(() => random() < 0.6).slice(0, 4);
  return chosen.length > 0 ? chosen : [pick(sentences, 0)];
}

/** The user at a place between 0 (first) and 1 (past the last). */
function userAt(place: number): string {
  return demoId("user", Math.min(PEOPLE.length - 1, Math.floor(place * PEOPLE.length)));
}

function pick<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`no item ${index} in a list of ${list.length}`);
  return item;
}

/** Uniform numbers in [0, 1), the same ones for the same seed (xorshift, 32 bits). */
function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
