// Holds the docs to what is there: generated tables, the layer table, links, and the list of dependencies.
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { outdatedDocs } from "../../Scripts/docs.ts";
import { ARCHITECTURE, listFiles, ROOT, read, sectionOf } from "./project.ts";
import { LAYERS } from "./rules.ts";

describe("docs", () => {
  test("outdatedDocs finds a changed table, and a README without its markers", () => {
    const changed = (path: string): string =>
      read(path).replace("| `internal` | 500 |", "| `internal` | 501 |");
    expect([...outdatedDocs(changed).keys()]).toContain("docs/errors.md");
    expect(() => outdatedDocs(() => "")).toThrow("README.md must hold");
  });

  test("generated from src are up to date", () => {
    expect([...outdatedDocs().keys()]).toEqual([]);
  });

  test("ARCHITECTURE.md has the layer table of the rules, and fewer than 250 lines", () => {
    const rows = [...sectionOf(ARCHITECTURE, "## Layers").matchAll(/^\| \d+ \| ([^|]+) \|/gm)];
    expect(rows.map((row) => (row[1] ?? "").replaceAll("`", "").trim().split(/\s+/))).toEqual(
      LAYERS.map((entries) => [...entries]),
    );
    expect(ARCHITECTURE.split("\n").length).toBeLessThan(250);
  });

  const pages = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    ...listFiles("docs").filter((path) => path.endsWith(".md")),
  ];

  test.each(pages)("%s links and points only to what exists", (page) => {
    const text = read(page);
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) =>
      join(dirname(page), match[1] ?? ""),
    );
    // In backticks: files and folders of the project, by their whole path.
    const paths = [...text.matchAll(/`((?:src|tests|docs|benchmarks|Scripts)\/[\w./-]+)`/g)].map(
      (match) => match[1] ?? "",
    );
    const missing = [...links, ...paths].filter((path) => !existsSync(join(ROOT, path)));
    expect(missing).toEqual([]);
  });

  test("docs/dependencies.md has one line for each dependency of package.json", () => {
    const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string> | undefined>;
    const kinds = ["dependencies", "devDependencies", "optionalDependencies"];
    const wanted = kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}));
    const listed = [...read("docs/dependencies.md").matchAll(/^- `([^`]+)`: /gm)].map(
      (match) => match[1] ?? "",
    );
    expect(listed.toSorted()).toEqual(wanted.toSorted());
  });
});
