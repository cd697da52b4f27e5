// Sorts, expands and fields by example; tests/rules compares them with PocketBase.
import { expect, test } from "bun:test";
import { parseExpand } from "./parseExpand.ts";
import { parseFields } from "./parseFields.ts";
import { parseSort } from "./parseSort.ts";

test("parseSort takes keys between commas, with Go's idea of blanks", () => {
  const parsed = parseSort("-created,+title, member.name \u00a0,@random,\ufeffx,--y");
  const keys = parsed.ok
    ? parsed.value.map(({ name, isDescending }) => (isDescending ? `-${name}` : name))
    : [];
  expect(keys).toEqual(["-created", "title", "member.name", "@random", "\ufeffx", "--y"]);
  expect(parsed.ok && parsed.value.map(({ start }) => start)).toEqual([0, 9, 16, 31, 39, 42]);
});

test("parseSort refuses the ninth key and a key of 256 bytes", () => {
  expect(parseSort("a,b,c,d,e,f,g,h").ok).toBe(true);
  expect(parseSort("a,b,c,d,e,f,g,h,i")).toMatchObject({ ok: false, problem: { position: 16 } });
  expect(parseSort("a".repeat(255)).ok).toBe(true);
  expect(parseSort(`x,${"a".repeat(256)}`)).toMatchObject({ ok: false, problem: { position: 2 } });
});

test("parseExpand keeps the longest paths, once, six deep", () => {
  expect(parseExpand("")).toEqual([]);
  expect(parseExpand(" a.b , a ,a.b.c,.d., ,ab,a.b.c")).toEqual([["a", "b", "c"], ["d"], ["ab"]]);
  expect(parseExpand("a.b.c.d.e.f.g.h")).toEqual([["a", "b", "c", "d", "e", "f"]]);
  expect(parseExpand("x".repeat(3).split("").join(","), 2)).toEqual([["x"]]);
  expect(parseExpand("a,b,c", 2)).toBeUndefined();
});

test("parseFields keeps parentheses and quotes together", () => {
  expect(parseFields("")).toEqual({ ok: true, value: [] });
  const parsed = parseFields("id, a.b\n*,x:excerpt(20, true) expand.*.y,'a,b'");
  expect(parsed.ok && parsed.value.map(({ path, modifier }) => [path.join("/"), modifier])).toEqual([
    ["id", undefined],
    ["a/b", undefined],
    ["*", undefined],
    ["x", "excerpt(20, true)"],
    ["expand/*/y", undefined],
    ["'a,b'", undefined],
  ]);
  for (const text of ["x:excerpt(5", '"id', "id,`"]) expect(parseFields(text).ok).toBe(false);
  expect(parseFields("a\0b")).toMatchObject({ ok: false, problem: { isCertain: false } });
  expect(parseFields("a\\(b").ok).toBe(true);
});
