// The rules of the house as pure functions over file texts, so that a planted violation proves each of them.
// Reads no files and decides nothing about docs.
import { posix } from "node:path";

/** One source file: its path from the project folder, with `/`, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** One import between two files of src; both are paths from the project folder. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** Rows of the layer table, lowest first. An entry is a folder or file of src; files import their row or lower. */
export const LAYERS: readonly (readonly string[])[] = [
  ["utils", "http", "websocket", "errors.ts"],
  ["insight"],
  ["pocketbase"],
  [
    "bodies",
    "batch",
    "cache",
    "files",
    "limits",
    "multipart",
    "oauth",
    "openapi",
    "proofs",
    "realtime",
    "rules",
    "schema",
    "sessions",
  ],
  ["config.ts", "settings", "settings.ts", "exchange.ts", "services", "services.ts"],
  ["middleware"],
  ["pipeline.ts"],
  ["routes"],
  ["server.ts"],
  ["boot.ts", "banner.ts", "index.ts"],
];

/** The row whose folders are features and never import each other. */
export const FEATURE_ROW = 3;

/** Longest file of src, tests left out, in lines. */
export const FILE_LINES_MAX = 300;
/** Longest function, blank lines left out, in lines from its head to its closing brace. */
export const FUNCTION_LINES_MAX = 60;

// The formatter puts every import at the start of a line; `type` imports count, because they tie files together too.
const STATIC_IMPORT = /^(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']/gm;
const BARE_IMPORT = /^import\s*["']([^"']+)["']/gm;
const CALLED_IMPORT = /\b(?:import|require)\(\s*["'`]([^"'`]+)["'`]/g;

/** Every module a text names: static, type-only, re-exported, bare and dynamic imports. */
export const importsOf = (text: string): string[] =>
  [STATIC_IMPORT, BARE_IMPORT, CALLED_IMPORT].flatMap((pattern) =>
    [...withoutComments(text).matchAll(pattern)].map((match) => match[1] ?? ""),
  );

/** The imports between the files of src; packages, package.json and files for the browser are no edges. */
export const edgesOf = (files: readonly SourceFile[]): Edge[] =>
  files.flatMap(({ path, text }) =>
    importsOf(text)
      .filter((name) => name.startsWith("."))
      .map((name) => ({ from: path, to: posix.join(posix.dirname(path), name) }))
      .filter(({ to }) => to !== "package.json" && !/^node_modules\/|\.browser\.\w+$/.test(to)),
  );

/** Row of a path in {@link LAYERS}; -1 for a file that has no row, which is a violation of its own. */
export const rowOf = (path: string): number => LAYERS.findIndex((entries) => entries.includes(entryOf(path)));

/** Files without a row, imports that point upwards or out of src, and features that import each other. */
export const layerViolations = (files: readonly SourceFile[]): string[] => {
  const found = files.filter(({ path }) => rowOf(path) < 0).map(({ path }) => `${path} has no layer`);
  for (const { from, to } of edgesOf(files)) {
    if (rowOf(from) < 0) continue;
    if (rowOf(to) < 0) found.push(`${from} imports ${to}, which has no layer`);
    else if (rowOf(to) > rowOf(from)) found.push(`${from} (${rowOf(from)}) imports ${to} (${rowOf(to)})`);
    else if (rowOf(to) === FEATURE_ROW && rowOf(from) === FEATURE_ROW && entryOf(from) !== entryOf(to))
      found.push(`${from} imports ${to}: features never import each other`);
  }
  return found;
};

/** Imports into `target` (a file or folder of src) from anywhere but `allowed`. */
export const strayImports = (
  files: readonly SourceFile[],
  target: string,
  allowed: readonly string[],
): string[] =>
  edgesOf(files)
    .filter(({ from, to }) => isWithin(to, target) && !isWithin(from, target))
    .filter(({ from }) => !allowed.some((place) => isWithin(from, place)))
    .map(({ from, to }) => `${from} imports ${to}`);

/** Paths outside `allowed` whose code, comments left out, matches. */
export const strayMatches = (
  files: readonly SourceFile[],
  pattern: RegExp,
  allowed: readonly string[],
): string[] =>
  files
    .filter(({ path }) => !allowed.some((place) => isWithin(path, place)))
    .filter(({ text }) => pattern.test(withoutComments(text)))
    .map(({ path }) => path);

/** Every way of reading the environment that this project could fall into. */
export const READS_ENVIRONMENT =
  /\b(?:process|Bun|import\.meta)\s*(?:\?\.|\.)\s*env\b|\b(?:process|Bun)\[["']env["']\]|\benv\b[^=;]*\}\s*=\s*(?:process|Bun)\b|["'](?:node:)?process["']/;

/** Files over {@link FILE_LINES_MAX} and functions over {@link FUNCTION_LINES_MAX}. */
export const sizeViolations = (files: readonly SourceFile[]): string[] =>
  files.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split("\n");
    const long = longFunctions(lines).map(
      ({ line, length }) => `${path}:${line} is a function of ${length} lines`,
    );
    return lines.length > FILE_LINES_MAX ? [`${path} has ${lines.length} lines`, ...long] : long;
  });

/**
 * Tells stages from helpers: a stage is imported by src/pipeline.ts, a helper by exactly one stage and nobody else.
 * @returns Stage names, sorted, and a sentence for every file that is neither.
 */
export const sortMiddleware = (files: readonly SourceFile[]): { stages: string[]; problems: string[] } => {
  const edges = edgesOf(files);
  const usersOf = (path: string): string[] => [
    ...new Set(edges.filter(({ to }) => to === path).map(({ from }) => from)),
  ];
  const own = files.map(({ path }) => path).filter((path) => isWithin(path, "src/middleware"));
  const stages = own.filter((path) => usersOf(path).includes("src/pipeline.ts"));
  const problems = own
    .filter((path) => !stages.includes(path))
    .filter((path) => usersOf(path).length !== 1 || !stages.includes(usersOf(path)[0] ?? ""))
    .map((path) => `${path} is neither a stage nor the helper of exactly one`);
  return { stages: stages.map(stageName).sort(), problems };
};

const stageName = (path: string): string => posix.basename(path, ".ts");

// `src/http/answer.ts` belongs to the entry `http`, `src/errors.ts` to `errors.ts`.
const entryOf = (path: string): string => {
  const [root, entry] = path.split("/");
  return root === "src" && entry !== undefined ? entry : path;
};

const isWithin = (path: string, place: string): boolean => path === place || path.startsWith(`${place}/`);

// Line comments must follow a blank, so that the `//` of a URL in a string stays.
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");

const CONTROL = /^\s*(?:\} )?(?:if|else|for|while|switch|try|catch|finally|do|class|export class)\b/;
const FUNCTION_HEAD = /(?:=>|\)(?:: .+)?) \{$/;

/** Relies on the formatter: a function ends at the first closing brace as far to the left as its head. */
const longFunctions = (lines: readonly string[]): { line: number; length: number }[] =>
  lines.flatMap((head, index) => {
    if (!FUNCTION_HEAD.test(head) || CONTROL.test(head)) return [];
    const indent = /^ */.exec(head)?.[0] ?? "";
    const end = lines.findIndex((line, at) => at > index && line.startsWith(`${indent}}`));
    const body = lines.slice(index, end < 0 ? lines.length : end + 1);
    const length = body.filter((line) => line.trim() !== "").length;
    return length > FUNCTION_LINES_MAX ? [{ line: index + 1, length }] : [];
  });
