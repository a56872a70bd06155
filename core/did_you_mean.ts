/** Guessing what a misspelt word was to be. @module */

/**
 * The end of an error about an unknown word: `; did you mean "momentum"?`, with up to three of the known words that are
 * nearest to it, or nothing when none is near.
 *
 * @param word what was given
 * @param known what there is
 *
 * @example
 * ```ts
 * import { didYouMean } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(didYouMean("momentun", ["learningRate", "momentum"]), '; did you mean "momentum"?');
 * assertEquals(didYouMean("colour", ["learningRate", "momentum"]), "");
 * ```
 */
export function didYouMean(word: string, known: Iterable<string>): string {
  const plain = (text: string) => text.toLowerCase().replace(/[-_ ]/g, "");
  const near = [...known]
    .map((name) => ({ name, distance: editDistance(plain(word), plain(name)) }))
    .filter(({ name, distance }) => distance < name.length && distance <= Math.max(2, name.length / 3))
    .sort((a, b) => a.distance - b.distance);
  // A word that is spelt all but right leaves no doubt.
  const best = near.filter(({ distance }) => distance === near[0].distance || near[0].distance > 1).slice(0, 3);
  return best.length === 0 ? "" : `; did you mean ${best.map(({ name }) => JSON.stringify(name)).join(" or ")}?`;
}

/** Number of insertions, deletions, replacements and swaps of neighbours between two words. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.length][b.length];
}
