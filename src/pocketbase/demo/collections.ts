// The schema of the demo: a small social app with access rules of every common kind. Holds no records.

/** One collection as PocketBase's `POST /api/collections` takes it. */
export type CollectionSchema = { readonly id: string; readonly name: string } & Readonly<
  Record<string, unknown>
>;

const USERS = "_pb_users_auth_";
const SIGNED_IN = '@request.auth.id != ""';

/** A relation to one record; the record that holds it goes when that one goes. */
const relation = (name: string, collectionId: string): object => ({
  name,
  type: "relation",
  collectionId,
  required: true,
  maxSelect: 1,
  cascadeDelete: true,
});

const STAMPS = [
  { name: "created", type: "autodate", onCreate: true },
  { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
];

/** What the demo changes in the `users` collection that every new PocketBase has. */
export const USERS_CHANGES = {
  fields: [
    { name: "bio", type: "text", max: 300 },
    { name: "role", type: "select", maxSelect: 1, values: ["member", "editor"] },
  ],
  // Profiles are public; PocketBase itself hides e-mail addresses. Nobody gives himself a role.
  listRule: "",
  viewRule: "",
  createRule: "@request.body.role:isset = false",
  updateRule: "id = @request.auth.id && @request.body.role:isset = false",
  deleteRule: "id = @request.auth.id",
} as const;

const POST_READERS = 'status = "published" || author = @request.auth.id || @request.auth.role = "editor"';
const OF_READABLE_POST = 'post.status = "published" || post.author = @request.auth.id';

const posts: CollectionSchema = {
  id: "demo_posts",
  name: "posts",
  type: "base",
  // Guests read what is published; authors also their drafts; editors everything.
  listRule: POST_READERS,
  viewRule: POST_READERS,
  createRule: `${SIGNED_IN} && author = @request.auth.id`,
  updateRule: "author = @request.auth.id && @request.body.author:isset = false",
  deleteRule: 'author = @request.auth.id || @request.auth.role = "editor"',
  fields: [
    relation("author", USERS),
    { name: "title", type: "text", required: true, max: 160, presentable: true },
    { name: "body", type: "editor", maxSize: 100_000 },
    {
      name: "image",
      type: "file",
      maxSelect: 1,
      maxSize: 5_242_880,
      mimeTypes: ["image/png", "image/jpeg", "image/webp"],
      thumbs: ["320x180", "0x90"],
    },
    { name: "status", type: "select", required: true, maxSelect: 1, values: ["draft", "published"] },
    {
      name: "tags",
      type: "select",
      maxSelect: 4,
      values: ["garden", "kitchen", "bicycle", "code", "books", "music", "travel", "weather"],
    },
    { name: "publishedAt", type: "date" },
    ...STAMPS,
  ],
  indexes: [
    "CREATE INDEX `idx_demo_posts_published` ON `posts` (`status`, `publishedAt`)",
    "CREATE INDEX `idx_demo_posts_author` ON `posts` (`author`)",
  ],
};

const comments: CollectionSchema = {
  id: "demo_comments",
  name: "comments",
  type: "base",
  listRule: OF_READABLE_POST,
  viewRule: OF_READABLE_POST,
  createRule: `${SIGNED_IN} && author = @request.auth.id && post.status = "published"`,
  updateRule:
    "author = @request.auth.id && @request.body.author:isset = false && @request.body.post:isset = false",
  // The author of a post keeps order beneath it.
  deleteRule: `${SIGNED_IN} && (author = @request.auth.id || post.author = @request.auth.id)`,
  fields: [
    relation("post", "demo_posts"),
    relation("author", USERS),
    { name: "text", type: "text", required: true, max: 2000 },
    ...STAMPS,
  ],
  indexes: ["CREATE INDEX `idx_demo_comments_post` ON `comments` (`post`)"],
};

const likes: CollectionSchema = {
  id: "demo_likes",
  name: "likes",
  type: "base",
  listRule: SIGNED_IN,
  viewRule: SIGNED_IN,
  createRule: `${SIGNED_IN} && user = @request.auth.id && post.status = "published"`,
  updateRule: null,
  deleteRule: "user = @request.auth.id",
  fields: [relation("post", "demo_posts"), relation("user", USERS), ...STAMPS],
  indexes: ["CREATE UNIQUE INDEX `idx_demo_likes_once` ON `likes` (`post`, `user`)"],
};

const BOTH_PARTIES = "follower = @request.auth.id || followed = @request.auth.id";

const follows: CollectionSchema = {
  id: "demo_follows",
  name: "follows",
  type: "base",
  listRule: BOTH_PARTIES,
  viewRule: BOTH_PARTIES,
  createRule: `${SIGNED_IN} && follower = @request.auth.id && followed != @request.auth.id`,
  updateRule: null,
  deleteRule: "follower = @request.auth.id",
  fields: [relation("follower", USERS), relation("followed", USERS), ...STAMPS],
  indexes: ["CREATE UNIQUE INDEX `idx_demo_follows_once` ON `follows` (`follower`, `followed`)"],
};

const OWNER = `${SIGNED_IN} && user = @request.auth.id`;

const bookmarks: CollectionSchema = {
  id: "demo_bookmarks",
  name: "bookmarks",
  type: "base",
  // Nobody but the owner ever sees a bookmark; its attachment is protected by the same rule.
  listRule: OWNER,
  viewRule: OWNER,
  createRule: OWNER,
  updateRule: `${OWNER} && @request.body.user:isset = false`,
  deleteRule: OWNER,
  fields: [
    relation("user", USERS),
    relation("post", "demo_posts"),
    { name: "note", type: "text", max: 500 },
    { name: "attachment", type: "file", maxSelect: 1, maxSize: 1_048_576, protected: true },
    ...STAMPS,
  ],
  indexes: ["CREATE UNIQUE INDEX `idx_demo_bookmarks_once` ON `bookmarks` (`user`, `post`)"],
};

const postStats: CollectionSchema = {
  id: "demo_post_stats",
  name: "post_stats",
  type: "view",
  listRule: "",
  viewRule: "",
  viewQuery: `SELECT posts.id, posts.title, posts.author,
  CAST((SELECT COUNT(*) FROM likes WHERE likes.post = posts.id) AS INT) AS likes,
  CAST((SELECT COUNT(*) FROM comments WHERE comments.post = posts.id) AS INT) AS comments
FROM posts WHERE posts.status = 'published'`,
};

/** The demo's own collections, in an order in which each finds those it refers to. */
export const DEMO_COLLECTIONS: readonly CollectionSchema[] = [
  posts,
  comments,
  likes,
  follows,
  bookmarks,
  postStats,
];
