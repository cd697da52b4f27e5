// Holds the shape of the house: layers, sizes, stage names, and who may touch what.
// Every rule is first shown to find a planted violation; the rules themselves are in architecture/rules.ts.
import { describe, expect, test } from "bun:test";
import { ERRORS } from "../src/errors.ts";
import { PLANS, STAGE_NAMES } from "../src/pipeline.ts";
import { ARCHITECTURE, read, SOURCES, sectionOf } from "./architecture/project.ts";
import {
  edgesOf,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  importsOf,
  LAYERS,
  layerViolations,
  READS_ENVIRONMENT,
  rowOf,
  type SourceFile,
  sizeViolations,
  sortMiddleware,
  strayImports,
  strayMatches,
} from "./architecture/rules.ts";

const plant = (path: string, ...lines: string[]): SourceFile => ({ path, text: lines.join("\n") });

describe("imports", () => {
  test("are seen in every form, and not in comments", () => {
    const text = [
      'import type { A } from "./a.ts";',
      "import {",
      "  b,",
      '} from "./b.ts";',
      'export { c } from "./c.ts";',
      'import "./d.ts";',
      'const e = await import("./e.ts");',
      '// import { f } from "./f.ts";',
      '/* import { g } from "./g.ts"; */',
      'import manifest from "../package.json" with { type: "json" };',
    ].join("\n");
    const found = ["./a.ts", "./b.ts", "./c.ts", "../package.json", "./d.ts", "./e.ts"];
    expect(importsOf(text)).toEqual(found);
  });

  test("the edges of src are seen, in every row but the lowest", () => {
    const edges = edgesOf(SOURCES);
    const missing = edges.filter(({ to }) => !SOURCES.some(({ path }) => path === to));
    expect(missing).toEqual([]);
    expect(edges.length).toBeGreaterThan(SOURCES.length);
    // The log imports packages only.
    const rows = LAYERS.map((_, row) => row).filter((row) => row !== 1);
    expect(new Set(edges.map(({ from }) => rowOf(from)))).toEqual(new Set(rows));
  });

  test.each([
    ["an upward import", "src/pocketbase/x.ts", 'import { a } from "../pipeline.ts";', "(2) imports"],
    ["an upward type import", "src/utils/x.ts", 'import type { A } from "../exchange.ts";', "(0) imports"],
    [
      "a sideways feature import",
      "src/batch/x.ts",
      'import { a } from "../multipart/a.ts";',
      "never import each other",
    ],
    ["a folder without a layer", "src/helpers/x.ts", "", "has no layer"],
    ["a file without a layer", "src/types.ts", "", "has no layer"],
    ["an import of tests", "src/utils/x.ts", 'import { a } from "../../tests/a.ts";', "has no layer"],
  ])("layerViolations finds %s", (...row) => {
    const [, path, line, sentence] = row;
    const found = layerViolations([plant(path, line)]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(sentence);
  });

  test("layerViolations allows what the table allows", () => {
    const file = plant("src/batch/x.ts", 'import { a } from "./a.ts";', 'import { b } from "../utils/b.ts";');
    expect(layerViolations([file])).toEqual([]);
  });

  test("follow the layers, and features never import each other", () => {
    expect(layerViolations(SOURCES)).toEqual([]);
  });

  test("of the lowest row: utils stands alone, http on utils, websocket and the error table on http", () => {
    expect(strayTargets("src/utils", ["src/utils"])).toEqual([]);
    expect(strayTargets("src/http", ["src/http", "src/utils"])).toEqual([]);
    expect(strayTargets("src/websocket", ["src/websocket", "src/http", "src/utils"])).toEqual([]);
    expect(strayTargets("src/errors.ts", ["src/http", "src/utils"])).toEqual([]);
  });
});

const strayTargets = (folder: string, allowed: readonly string[]): string[] =>
  edgesOf(SOURCES)
    .filter(({ from }) => from.startsWith(folder))
    .filter(({ to }) => !allowed.some((place) => to.startsWith(place)))
    .map(({ from, to }) => `${from} imports ${to}`);

describe("sizes", () => {
  const lines = (count: number): string[] => Array.from({ length: count }, () => "    step();");

  test("sizeViolations finds a long file, function, method and arrow, and no class or control block", () => {
    const long = FUNCTION_LINES_MAX - 1;
    const found = (...text: string[]): string[] => sizeViolations([plant("src/x.ts", ...text)]);
    expect(found(...lines(FILE_LINES_MAX))).toEqual([]);
    expect(found(...lines(FILE_LINES_MAX + 1))).toEqual([`src/x.ts has ${FILE_LINES_MAX + 1} lines`]);
    for (const head of ["function a() {", "export const a = (b: B): C => {", "const a = async () => {"]) {
      expect(found(head, ...lines(long - 1), "}")).toEqual([]);
      expect(found(head, ...lines(long), "}")).toHaveLength(1);
    }
    expect(found("class A {", "  run(a: A): void {", ...lines(long), "  }", "}")).toHaveLength(1);
    expect(found("class A {", ...lines(long), "}")).toEqual([]);
    expect(found("if (a) {", ...lines(long), "}")).toEqual([]);
  });

  test("files and functions of src keep to their limits", () => {
    expect(sizeViolations(SOURCES)).toEqual([]);
  });

  test("the linter holds the same limit for functions, and three parameters", () => {
    const { complexity } = (JSON.parse(read("biome.json")) as BiomeConfig).linter.rules;
    const longest = complexity.noExcessiveLinesPerFunction;
    expect([longest.level, longest.options.maxLines]).toEqual(["error", FUNCTION_LINES_MAX]);
    expect(complexity.useMaxParams).toEqual({ level: "error", options: { max: 3 } });
  });
});

interface BiomeConfig {
  readonly linter: {
    readonly rules: {
      readonly complexity: {
        readonly noExcessiveLinesPerFunction: {
          readonly level: string;
          readonly options: { readonly maxLines: number };
        };
        readonly useMaxParams: unknown;
      };
    };
  };
}

describe("stages", () => {
  test("sortMiddleware tells stages from helpers, and finds a file that is neither", () => {
    const stage = plant("src/middleware/meter.ts", 'import { b } from "./bucket.ts";');
    const other = plant("src/middleware/cache.ts", 'import { b } from "./bucket.ts";');
    const helper = plant("src/middleware/bucket.ts", "export const b = 1;");
    const one = plant("src/pipeline.ts", 'import { createMeter } from "./middleware/meter.ts";');
    const two = plant("src/pipeline.ts", one.text, 'import { createCache } from "./middleware/cache.ts";');
    expect(sortMiddleware([one, stage, helper])).toEqual({ stages: ["meter"], problems: [] });
    expect(sortMiddleware([two, stage, other, helper]).problems).toHaveLength(1);
    expect(sortMiddleware([one, stage, other]).problems).toHaveLength(1);
    expect(sortMiddleware([helper]).problems).toHaveLength(1);
  });

  test("are the files of src/middleware, helpers of one stage left out", () => {
    const { stages, problems } = sortMiddleware(SOURCES);
    expect(problems).toEqual([]);
    expect(stages).toEqual([...STAGE_NAMES].sort());
  });

  test("stand in walking order in every plan", () => {
    for (const plan of Object.values(PLANS)) {
      expect([...plan]).toEqual(STAGE_NAMES.filter((name) => plan.some((stage) => stage === name)));
      expect(plan.slice(0, 2)).toEqual(["trace", "admit"]);
    }
  });

  test("own the rows of the error table, in walking order", () => {
    const owners = Object.values(ERRORS).map(({ stage }) => stage);
    // `cache` answers or lets pass.
    expect([...new Set(owners)]).toEqual(STAGE_NAMES.filter((name) => name !== "cache"));
    const ranks = owners.map((stage) => STAGE_NAMES.indexOf(stage));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
  });

  const walk = sectionOf(ARCHITECTURE, "## The walk of a request");

  test("are the headings of ARCHITECTURE.md's walk of a request", () => {
    expect([...walk.matchAll(/^### (.+)$/gm)].map((match) => match[1] ?? "")).toEqual([...STAGE_NAMES]);
  });

  test.each([...STAGE_NAMES])(
    "%s is described with its file, what it adds and each refusal it owns",
    (name) => {
      const section = sectionOf(`\n${walk}`, `### ${name}`);
      expect(section).toContain(`File: \`src/middleware/${name}.ts\``);
      expect(section).toContain("\n- Adds: ");
      const owned = Object.entries(ERRORS).filter(([, row]) => row.stage === name);
      expect(owned.map(([code]) => code).filter((code) => !section.includes(`\`${code}\``))).toEqual([]);
    },
  );
});

describe("boundaries", () => {
  test.each([
    "const a = process.env.A;",
    'const a = process.env["A"];',
    "const a = Bun.env.A;",
    "const a = import.meta.env.A;",
    "const { env } = process;",
    'const a = process["env"];',
    'import { env } from "node:process";',
  ])("strayMatches finds %s", (line) => {
    expect(strayMatches([plant("src/x.ts", line)], READS_ENVIRONMENT, [])).toEqual(["src/x.ts"]);
    expect(strayMatches([plant("src/x.ts", line)], READS_ENVIRONMENT, ["src/x.ts"])).toEqual([]);
    expect(strayMatches([plant("src/x.ts", `// ${line}`)], READS_ENVIRONMENT, [])).toEqual([]);
  });

  test("strayImports finds an import from elsewhere, and allows those named", () => {
    const file = plant("src/routes/x.ts", 'import type { A } from "../pocketbase/superuser.ts";');
    expect(strayImports([file], "src/pocketbase/superuser.ts", ["src/boot.ts"])).toHaveLength(1);
    expect(strayImports([file], "src/pocketbase/superuser.ts", ["src/routes"])).toEqual([]);
  });

  test("only settings.ts and index.ts read the environment", () => {
    const allowed = ["src/settings.ts", "src/index.ts"];
    expect(strayMatches(SOURCES, READS_ENVIRONMENT, allowed)).toEqual([]);
    // index.ts hands it on, so the rule is seen matching real code.
    expect(strayMatches(SOURCES, READS_ENVIRONMENT, [])).toContain("src/index.ts");
  });

  test("only errors.ts renders a refusal", () => {
    expect(strayMatches(SOURCES, /X-Hapta-Error/i, ["src/errors.ts"])).toEqual([]);
    expect(strayMatches(SOURCES, /X-Hapta-Error/i, [])).toEqual(["src/errors.ts"]);
  });

  test("only the listener's side sees a raw request", () => {
    const sides = [
      "src/http",
      "src/server.ts",
      "src/pipeline.ts",
      "src/middleware/trace.ts",
      "src/middleware/admit.ts",
      "src/middleware/headReading.ts",
      "src/middleware/socketKey.ts",
    ];
    expect(strayMatches(SOURCES, /\b(?:WireRequest|RequestHead|RequestSource)\b/, sides)).toEqual([]);
    expect(strayMatches(SOURCES, /\bWireRequest\b/, [])).toContain("src/middleware/admit.ts");
  });

  test("no stage, route or feature can reach the superuser session", () => {
    const allowed = ["src/pocketbase", "src/boot.ts"];
    for (const part of ["superuser.ts", "superuserFile.ts", "embedded.ts"])
      expect(strayImports(SOURCES, `src/pocketbase/${part}`, allowed)).toEqual([]);
    const inward = strayTargets("src/pocketbase/wire", ["src/pocketbase/wire", "src/http", "src/utils"]);
    expect(inward).toEqual([]);
  });

  test("fetch stays in the control plane, and Bun.serve and node:http servers nowhere", () => {
    const control = SOURCES.map(({ path }) => path).filter((path) => /^src\/pocketbase\/[^/]+$/.test(path));
    expect(strayMatches(SOURCES, /(?<!\bapp\.)\bfetch\(/, control)).toEqual([]);
    expect(strayMatches(SOURCES, /\bBun\.serve\b|\bcreateServer\b/, [])).toEqual([]);
  });
});
