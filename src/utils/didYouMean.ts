// Finds the known word that a mistyped one was probably meant to be. Knows nothing about settings.

/** Letters that may differ before a guess is no help any more, for words of `length` letters. */
const distanceMax = (length: number): number => (length <= 3 ? 1 : length <= 6 ? 2 : 3);

/** One row of the edit-distance table: what turning `left` (up to one more letter) into `right` costs. */
function nextRow(previous: readonly number[], letter: string, right: string): number[] {
  const row = [(previous[0] ?? 0) + 1];
  for (let column = 1; column <= right.length; column += 1) {
    const replace = (previous[column - 1] ?? 0) + (letter === right[column - 1] ? 0 : 1);
    row.push(Math.min(replace, (previous[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1));
  }
  return row;
}

/** Counts the insertions, deletions and replacements between two words (Levenshtein). */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const letter of left) row = nextRow(row, letter, right);
  return row[right.length] ?? 0;
}

/**
 * Returns the word of `known` nearest to `word`, ignoring case, or undefined when none is near.
 * Words longer than 64 letters get no guess (the cost grows with the product of the lengths).
 */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  if (word.length === 0 || word.length > 64) return undefined;
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= distanceMax(word.length) && distance < (best?.distance ?? Infinity)) {
      best = { word: candidate, distance };
    }
  }
  return best?.word;
}
