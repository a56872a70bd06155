/** From text to tokens, and from tokens to numbers. @module */

/** What stands for every token that is not in the vocabulary. Its number is 0. */
export const UNKNOWN = "<unk>";

/**
 * A word: letters, their marks and digits, with apostrophes and hyphens inside; a line end; or any other visible sign
 * by itself. Other white space only separates.
 */
const WORD = /[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*|\n|[^\s]/gu;

/**
 * The tokens of a text, in order.
 *
 * @param level characters (Unicode code points, so that no character is cut in two), or words
 */
export function tokensOf(text: string, level: "character" | "word"): string[] {
  return level === "character" ? [...text] : text.match(WORD) ?? [];
}

/**
 * The vocabulary of some tokens: the unknown one first; then characters in the order of their code points, or words
 * with the most frequent first, and in the order of their code points where they are equally frequent.
 *
 * @param most at most this many words, besides the unknown one
 */
export function vocabularyOf(tokens: readonly string[], level: "character" | "word", most = Infinity): string[] {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  const byCode = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;
  const sorted = level === "character"
    ? [...counts.keys()].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!)
    : [...counts].sort(([a, n], [b, m]) => m - n || byCode(a, b)).map(([token]) => token);
  return [UNKNOWN, ...sorted.slice(0, most)];
}

/** The number of each token; 0 for those that are not in the vocabulary. */
export function numbersOfTokens(tokens: readonly string[], vocabulary: readonly string[]): Int32Array<ArrayBuffer> {
  const numbers = new Map(vocabulary.map((token, number) => [token, number]));
  numbers.delete(UNKNOWN); // a token that is spelled like it is unknown too
  return Int32Array.from(tokens, (token) => numbers.get(token) ?? 0);
}
