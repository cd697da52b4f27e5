// What a change touches, with every doubt on the side of evicting.
import { describe, expect, test } from "bun:test";
import { Images, type ImagesOptions } from "./images.ts";
import { type Interest, Interests } from "./interests.ts";
import { type Lease, Versions } from "./versions.ts";

const SHAPE = { fields: new Set(["id", "post", "title", "updated"]), stampField: "updated" };
const C = "posts";

const create = (options: ImagesOptions = {}) => {
  const clock = { nowMs: 0 };
  const images = new Images({ nowMs: () => clock.nowMs, ...options });
  const interests = new Interests();
  const versions = new Versions();
  clock.nowMs = 10_000;
  const touched = (action: "create" | "update" | "delete", record: Readonly<Record<string, unknown>>) => {
    const whole = { id: "r1", post: "", title: "", updated: "1", ...record };
    const change = images.take({ collectionId: C, recordId: whole.id, action, record: whole }, SHAPE);
    return change === undefined ? [] : interests.touchedBy(change).names;
  };
  const touch = (...change: Parameters<typeof touched>): void => versions.move(touched(...change), "");
  /** Of an answer; with `ids` of one that shows all its records. */
  const leaseOf = (interest: Omit<Interest, "collectionId">, ids?: readonly string[]): Lease => {
    const names = interests.namesOf({ collectionId: C, ...interest });
    return versions.lease(ids === undefined ? names : interests.wholeNamesOf(names, C, ids));
  };
  const holds = (leases: readonly Lease[]): boolean[] => leases.map((lease) => lease.holds());
  const name = (interest: Omit<Interest, "collectionId">): string =>
    interests.namesOf({ collectionId: C, ...interest }).at(-1) ?? "";
  return { clock, holds, images, interests, leaseOf, name, touch, touched, versions };
};

const by = (value: unknown, field = "post") => ({
  fields: undefined,
  by: { field, value: JSON.stringify(value) },
});

describe("a change touches", () => {
  test("what lists another value not at all when a record comes or goes", () => {
    const { name, touched } = create();
    const [x, y, empty, all] = [
      name(by("x")),
      name(by("y")),
      name(by("")),
      name({ fields: undefined, by: undefined }),
    ];
    expect(touched("create", { post: "x" })).toEqual([all, x]);
    expect(touched("delete", { post: "x" })).toEqual([all, x]);
    expect(touched("create", { post: "X" })).not.toContain(x);
    expect(touched("delete", { post: "y" })).toContain(y);
    expect(touched("create", { post: "" })).toContain(empty);
  });

  test("all answers of a kind when an update comes of a record of which nothing is known", () => {
    const { holds, leaseOf, touch } = create();
    const leases = [leaseOf(by("x")), leaseOf(by("y"))];
    touch("update", { post: "y" });
    expect(holds(leases)).toEqual([false, false]);
  });

  test("of those that show all their records only the ones with that record, and the ones of its new value", () => {
    const { holds, leaseOf, touch } = create();
    const leases = [
      leaseOf(by("x"), ["r2", "r3"]),
      leaseOf(by("y"), ["r2"]),
      leaseOf(by("z"), ["r2", "r1"]),
      leaseOf(by("w"), []),
    ];
    touch("update", { post: "y" });
    expect(holds(leases)).toEqual([true, false, false, true]);
    touch("create", { post: "w", updated: "9" });
    expect(holds(leases)).toEqual([true, false, false, false]);
  });

  test("those, too, when anything may have changed", () => {
    const { holds, interests, leaseOf, versions } = create();
    const leases = [leaseOf(by("x"), ["r2"])];
    versions.move(interests.allOf(C), "");
    expect(holds(leases)).toEqual([false]);
  });

  test("those, too, while another update of the record may have been missed, or was told and is forgotten", () => {
    const { clock, holds, images, leaseOf, touch } = create({ charsMax: 2_000 });
    images.clear();
    const missed = [leaseOf(by("x"), ["r2"])];
    touch("update", { post: "y" });
    expect(holds(missed)).toEqual([false]);
    clock.nowMs += 6_000;
    touch("update", { post: "x", updated: "2" });
    // Loaded before that one was saved, it says nothing of it; the record may well be in the list now.
    const loaded = [leaseOf(by("x"), ["r2"])];
    for (let i = 0; i < 9; i++) touch("update", { id: `o${i}`, title: "t".repeat(200) });
    touch("update", { post: "y", title: "t", updated: "3" });
    expect(holds(loaded)).toEqual([false]);
    clock.nowMs += 6_000;
    const alone = [leaseOf(by("x"), ["r2"])];
    touch("update", { id: "r9", post: "y" });
    expect(holds(alone)).toEqual([true]);
  });

  test("those, too, when it is not understood what the record is, and of its next change as well", () => {
    const { clock, holds, leaseOf, touch } = create();
    clock.nowMs += 6_000;
    const odd = [leaseOf(by("x"), ["r2"])];
    touch("update", { post: "y", computed: 1 });
    expect(holds(odd)).toEqual([false]);
    const next = [leaseOf(by("x"), ["r2"])];
    touch("update", { post: "y", updated: "2" });
    expect(holds(next)).toEqual([false]);
    clock.nowMs += 6_000;
    touch("update", { post: "y", updated: "3" });
    const later = [leaseOf(by("x"), ["r2"])];
    touch("update", { post: "z", updated: "4" });
    expect(holds(later)).toEqual([true]);
  });

  test("nothing of what changes all the time is certain, and the rest stays so, and is soon known again", () => {
    const { clock, holds, leaseOf, touch } = create();
    const change = (post: string, title: string): void => {
      clock.nowMs += 10;
      touch("update", { post, title, updated: String(clock.nowMs) });
    };
    change("x", "a");
    change("y", "a");
    for (let i = 0; i < 100; i++) change("y", `t${i}`);
    const posts = [leaseOf(by("z")), leaseOf(by("x")), leaseOf(by("y"))];
    const titles = [leaseOf(by("other", "title"))];
    change("y", "t");
    // It was `x` a second ago, which is not told apart any more.
    expect([...holds(posts), ...holds(titles)]).toEqual([false, false, false, false]);
    for (let i = 0; i < 700; i++) change("y", `u${i}`);
    const later = [leaseOf(by("z")), leaseOf(by("x")), leaseOf(by("y"))];
    change("y", "u");
    expect(holds(later)).toEqual([true, true, false]);
  });

  test("the old value and the new one when both are known", () => {
    const { name, touched } = create();
    const [x, y] = [name(by("x")), name(by("y"))];
    name(by("z"));
    touched("create", { post: "x" });
    expect(touched("update", { post: "y", updated: "2" })).toEqual([`c:${C}`, x, y]);
    expect(touched("update", { post: "y", title: "t", updated: "3" })).toContain(x);
  });

  test("all that a record was within the time in which updates may overlap, and no more after it", () => {
    const { clock, name, touched } = create();
    const x = name(by("x"));
    const y = name(by("y"));
    const z = name(by("z"));
    touched("create", { post: "x" });
    // Told in the wrong order, or loaded before the other was saved: either may be what the record is.
    touched("update", { post: "y", updated: "3" });
    touched("update", { post: "x", updated: "2" });
    expect(touched("update", { post: "z", updated: "4" })).toEqual([`c:${C}`, x, y, z]);
    clock.nowMs += 6_000;
    touched("update", { post: "z", title: "t", updated: "5" });
    clock.nowMs += 6_000;
    expect(touched("update", { post: "z", title: "u", updated: "6" })).toEqual([`c:${C}`, z]);
  });

  test("no list that reads none of the fields that changed", () => {
    const { name, touched } = create();
    const [posts, titles] = [
      name({ fields: ["post"], by: undefined }),
      name({ fields: ["title"], by: undefined }),
    ];
    touched("create", {});
    expect(touched("update", { title: "t", updated: "2" })).toEqual([`c:${C}`, titles]);
    expect(touched("delete", { title: "t" })).toEqual([`c:${C}`, posts, titles]);
  });

  test("one record's reads when only that record is known to have changed", () => {
    const { interests, name, touched } = create();
    const own = name(by("r1", "id"));
    const other = name(by("r2", "id"));
    expect(touched("update", {})).toContain(own);
    expect(touched("update", { updated: "2" })).not.toContain(other);
    expect(interests.allOf(C)).toHaveLength(2);
  });

  test("nothing when it is told a second time", () => {
    const { touched } = create();
    expect(touched("create", { post: "x" })).not.toEqual([]);
    expect(touched("create", { post: "x" })).toEqual([]);
    expect(touched("update", { post: "x", updated: "2" })).not.toEqual([]);
    expect(touched("update", { post: "x", updated: "2" })).toEqual([]);
  });

  test("the whole kind when the record is shown otherwise than it is, or soon after a gap", () => {
    const { clock, images, interests, name, touched } = create();
    const [x] = interests.namesOf({ collectionId: C, ...by("x") });
    name(by("x"));
    expect(touched("create", { post: "y", computed: 1 })).toContain(x ?? "");
    touched("create", { post: "y" });
    images.clear();
    expect(touched("delete", { post: "y" })).toContain(x ?? "");
    touched("create", { post: "y" });
    clock.nowMs += 6_000;
    expect(touched("update", { post: "y", updated: "2" })).toContain(x ?? "");
    expect(touched("update", { post: "y", updated: "3" })).not.toContain(x ?? "");
  });
});

describe("what a write changed of which nothing was told yet", () => {
  test("is not among what a record is known to have been, for as long as events may be late", () => {
    const { clock, images, name, touched } = create();
    const [x, y] = [name(by("x")), name(by("y"))];
    const [kind = ""] = x.split("=");
    touched("create", { post: "x" });
    touched("create", { id: "r2", post: "x" });
    images.doubt(C, "r1");
    expect(touched("update", { post: "y", updated: "2" })).toContain(kind);
    expect(touched("update", { id: "r2", post: "y", updated: "2" })).toEqual([`c:${C}`, x, y]);
    images.doubt(C);
    expect(touched("delete", { id: "r2", post: "y", updated: "2" })).toContain(kind);
    clock.nowMs += 6_000;
    touched("update", { post: "y", updated: "3" });
    expect(touched("update", { post: "y", updated: "4" })).toEqual([`c:${C}`, y]);
  });

  test("is bounded: of more than that, everything is in doubt", () => {
    const { images, touched } = create();
    touched("create", { post: "x" });
    for (let i = 0; i < 20_000; i++) images.doubt(C, `d${i}`);
    expect(images.chars).toBe(0);
  });
});

test("kinds are bounded: further ones are interested in everything", () => {
  const { name } = create();
  const names = Array.from({ length: 100 }, (_, i) => name({ fields: [`f${i}`], by: undefined }));
  expect(names.filter((one) => one === `c:${C}`)).toHaveLength(36);
});

test("who uses up all kinds takes the values from nobody", () => {
  const { holds, interests, leaseOf, touch } = create();
  for (let i = 0; i < 200; i++)
    interests.namesOf({ collectionId: C, fields: ["post", `f${i}`], by: by("s").by });
  const leases = [leaseOf({ ...by("x"), fields: ["id", "post"] }), leaseOf(by("y"))];
  touch("create", { post: "y" });
  expect(holds(leases)).toEqual([true, false]);
  expect(interests.allOf(C).length).toBeLessThanOrEqual(66);
});

test("images are bounded", () => {
  const images = new Images({ charsMax: 5_000, overlapMs: 0 });
  for (let i = 0; i < 100; i++)
    images.take(
      {
        collectionId: C,
        recordId: `r${i}`,
        action: "create",
        record: { id: `r${i}`, post: "x".repeat(100), title: "", updated: "" },
      },
      SHAPE,
    );
  expect(images.chars).toBeLessThanOrEqual(5_000);
  expect(images.chars).toBeGreaterThan(1_000);
});
