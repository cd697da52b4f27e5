// What realtime clients are told counts before they hear it, once, and no wider than what is known of the record.
import { expect, test } from "bun:test";
import type { Collection } from "../pocketbase/collection.ts";
import type { RealtimeListener } from "../pocketbase/realtimeStream.ts";
import { Changes } from "./changes.ts";
import { withEchoes } from "./echoes.ts";
import { Images } from "./images.ts";
import { Versions } from "./versions.ts";

const FIELDS = [
  { name: "id", type: "text", options: {} },
  { name: "post", type: "text", options: {} },
  { name: "secret", type: "text", options: {} },
  { name: "updated", type: "autodate", options: { onUpdate: true } },
];
const posts = { id: "pbc_posts", name: "posts", type: "base", fields: FIELDS } as unknown as Collection;

/** A stream and the feed; `held` says what still holds of the lists of one value each, when a client is told. */
const create = async () => {
  const clock = { nowMs: 0 };
  const versions = new Versions();
  const changes = new Changes(versions, new Images({ nowMs: () => clock.nowMs }));
  clock.nowMs = 10_000;
  const leaseOf = (post: string) =>
    versions.lease(
      changes.interests.namesOf({
        collectionId: posts.id,
        fields: undefined,
        by: { field: "post", value: JSON.stringify(post) },
      }),
    );
  const told: string[] = [];
  let leases = new Map(["x", "y", "z"].map((post) => [post, leaseOf(post)]));
  const held = (): string => [...leases].flatMap(([post, lease]) => (lease.holds() ? [post] : [])).join("");
  const listeners: RealtimeListener[] = [];
  const open = withEchoes(
    async (_, listener) => {
      listeners.push(listener);
      return { clientId: "c", subscribe: async () => 204, provoke: async () => true, close: () => undefined };
    },
    changes,
    (segment) => (segment === "posts" || segment === posts.id ? posts : undefined),
  );
  for (const address of ["a", "b"])
    await open(address, {
      onMessage: (topic) => told.push(`${topic} ${held()}`),
      onTooLong: (topic) => told.push(`too long: ${topic} ${held()}`),
      onEnd: () => told.push("end"),
    });
  const record = (post: string, updated: string) => ({ id: "r1", post, updated });
  return {
    listeners,
    changes,
    /** What clients were told since the last look, with the lists that held at that moment. */
    seen: (): readonly string[] => {
      leases = new Map([...leases.keys()].map((post) => [post, leaseOf(post)]));
      return told.splice(0);
    },
    hear: (action: string, post: string, updated: string) => {
      const data = JSON.stringify({ action, record: record(post, updated) });
      for (const topic of ["posts/*", "posts/r1"])
        for (const { onMessage } of listeners) onMessage(topic, data);
    },
    feed: (action: "create" | "update" | "delete", post: string, updated: string) =>
      changes.tell(
        {
          collectionId: posts.id,
          recordId: "r1",
          action,
          record: { ...record(post, updated), secret: "s" },
          text: "",
        },
        posts,
      ),
  };
};

test("an event counts before anybody is told, for the lists that it can be about", async () => {
  const { feed, hear, seen } = await create();
  feed("create", "x", "1");
  seen();
  hear("update", "y", "2");
  expect(seen()).toEqual(["posts/* z", "posts/* z", "posts/r1 z", "posts/r1 z"]);
  // The feed tells the whole of it.
  feed("update", "y", "2");
  seen();
  hear("update", "y", "2");
  expect(seen()).toEqual(["posts/* xyz", "posts/* xyz", "posts/r1 xyz", "posts/r1 xyz"]);
});

test("the feed's word on a write is heard, too, when clients were told first", async () => {
  const { changes, feed } = await create();
  // It shows all that the feed does.
  const record = { id: "r1", post: "x", secret: "s", updated: "1" };
  const told = { collectionId: posts.id, recordId: "r1", action: "update", record, text: "" } as const;
  changes.glimpse(told, posts);
  const hearing = changes.hearings.begin(posts.id);
  feed("update", "x", "1");
  expect(await hearing?.heard(({ recordId }) => recordId === "r1", 1)).toBe(true);
});

test("what looks the same as before counts again when something else was told in between", async () => {
  const { hear, seen, listeners } = await create();
  const unstamped = (post: string) => {
    const data = JSON.stringify({ action: "update", record: { id: "r1", post } });
    for (const { onMessage } of listeners) onMessage("posts/*", data);
  };
  unstamped("x");
  expect(seen()).toEqual(["posts/* ", "posts/* "]);
  unstamped("y");
  expect(seen()[0]).toBe("posts/* z");
  unstamped("x");
  expect(seen()[0]).toBe("posts/* z");
  hear("delete", "x", "1");
  expect(seen()[0]).toBe("posts/* z");
});

test("of a record that does not say which it is everything in the collection counts, and of other topics nothing", async () => {
  const { seen, listeners } = await create();
  for (const topic of ["news", "news/*", "@oauth2"]) listeners[0]?.onMessage(topic, "{}");
  expect(seen()).toEqual(["news xyz", "news/* xyz", "@oauth2 xyz"]);
  listeners[0]?.onMessage("pbc_posts/*?options=%7B%7D", JSON.stringify({ action: "update", record: {} }));
  expect(seen()[0]?.endsWith(" ")).toBe(true);
  listeners[0]?.onTooLong("posts/*");
  expect(seen()).toEqual(["too long: posts/* "]);
  listeners[0]?.onEnd();
  expect(seen()).toEqual(["end"]);
});

test.each(["id:excerpt(2)", "id\\u003aexc\\u0065rpt(2)", "*,%69d:e%78cerpt(2)"])(
  "where fields are %p the id is only the beginning of one: everything in the collection counts",
  async (fields) => {
    const { feed, seen, listeners } = await create();
    const tell = (topic: string, id: string): string | undefined => {
      seen();
      const data = JSON.stringify({ action: "update", record: { id, post: "y", updated: "2" } });
      listeners[0]?.onMessage(topic, data);
      return seen()[0]?.slice(topic.length);
    };
    feed("create", "x", "1");
    feed("create", "x", "1");
    // Which record it is says that it was in the list of x.
    expect(tell(`posts/*?options={"query":{"fields":"id,post,updated"}}`, "r1")).toBe(" z");
    expect(tell(`posts/*?options={"query":{"fields":"${fields}"}}`, "r")).toBe(" ");
    expect(tell("posts/*?options=%zz", "r1")).toBe(" ");
  },
);
