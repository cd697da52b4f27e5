// Reads the `expand` of a request. PocketBase never refuses one: what it can't expand it leaves out.

/** Relations in one path; PocketBase ignores what comes after. */
export const EXPAND_DEPTH_MAX = 6;

/**
 * The paths PocketBase would try to expand, as segments, 6 at most: without blanks and outer dots, without those
 * that a longer path includes, each once, in order. Total; O(n).
 *
 * @returns undefined when there are more than `pathsMax` paths: nothing is known about such a text then.
 */
export const parseExpand = (text: string, pathsMax = 1_000): readonly (readonly string[])[] | undefined => {
  const paths = new Set<string>();
  for (const part of text.split(",", pathsMax + 1)) {
    const path = trimDots(part.replaceAll(" ", "")).split(".", EXPAND_DEPTH_MAX).join(".");
    if (path !== "") paths.add(path);
    if (paths.size > pathsMax) return undefined;
  }
  const covered = new Set<string>();
  for (const path of paths)
    for (let at = path.indexOf("."); at >= 0; at = path.indexOf(".", at + 1)) covered.add(path.slice(0, at));
  return [...paths].filter((path) => !covered.has(path)).map((path) => path.split("."));
};

const trimDots = (path: string): string => {
  let [start, end] = [0, path.length];
  while (path[start] === ".") start++;
  while (end > start && path[end - 1] === ".") end--;
  return path.slice(start, end);
};
