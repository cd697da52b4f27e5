// What a change touches, with every doubt on the side of evicting.
import { describe, expect, test } from "bun:test";
import { Images } from "./images.ts";
import { type Interest, Interests } from "./interests.ts";

const SHAPE = { fields: new Set(["id", "post", "title", "updated"]), stampField: "updated" };
const C = "posts";

const create = () => {
  const clock = { nowMs: 0 };
  const images = new Images({ nowMs: () => clock.nowMs });
  const interests = new Interests();
  clock.nowMs = 10_000;
  const touched = (action: "create" | "update" | "delete", record: Readonly<Record<string, unknown>>) => {
    const whole = { id: "r1", post: "", title: "", updated: "1", ...record };
    const change = images.take({ collectionId: C, recordId: "r1", action, record: whole }, SHAPE);
    return change === undefined ? [] : interests.touchedBy(change).names;
  };
  const name = (interest: Omit<Interest, "collectionId">): string =>
    interests.namesOf({ collectionId: C, ...interest }).at(-1) ?? "";
  return { clock, images, interests, name, touched };
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

  test("the whole kind when an update comes of a record of which nothing is known", () => {
    const { interests, name, touched } = create();
    const [x] = interests.namesOf({ collectionId: C, ...by("x") });
    name(by("x"));
    expect(touched("update", { post: "y" })).toContain(x ?? "");
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

test("kinds are bounded: further ones are interested in everything", () => {
  const { name } = create();
  const names = Array.from({ length: 100 }, (_, i) => name({ fields: [`f${i}`], by: undefined }));
  expect(names.filter((one) => one === `c:${C}`)).toHaveLength(36);
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
