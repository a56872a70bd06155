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
 * @param text the text
 * @param level characters (Unicode code points, so that no character is cut in two), or words
 *
 * @example
 * ```ts
 * import { tokensOf } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(tokensOf("To be!", "word"), ["To", "be", "!"]);
 * ```
 */
export function tokensOf(text: string, level: "character" | "word"): string[] {
  return level === "character" ? [...text] : text.match(WORD) ?? [];
}

/** Signs before which no space is written, and behind which none is. */
const CLOSING = /^[\n.,;:!?)\]}%’'”»…]/;
const OPENING = /[\s([{«“]$/;

/**
 * What joins two tokens in a text: nothing between characters; between words a space, but before a closing sign, behind an
 * opening one and around line ends.
 *
 * @param before the text so far
 */
function gapBetween(before: string, token: string, level: "character" | "word"): string {
  return level === "character" || before === "" || CLOSING.test(token) || OPENING.test(before) ? "" : " ";
}

/**
 * The text of a token that follows another text, with the space between them where tokens are words.
 *
 * @param token the token, or `<unk>`
 * @param before the text so far, of which the end counts
 * @param level what tokens are
 *
 * @example
 * ```ts
 * import { textOf } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const text = ["to", "be", ",", "or", "not"].reduce((text, word) => text + textOf(word, text, "word"), "");
 * assertEquals(text, "to be, or not");
 * ```
 */
export function textOf(token: string, before: string, level: "character" | "word"): string {
  return gapBetween(before, token, level) + token;
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

/**
 * The number of each token; 0 for those that are not in the vocabulary.
 *
 * @param tokens the tokens
 * @param vocabulary what each number stands for, `<unk>` first: the `classNames` of a text's data set
 *
 * @example
 * ```ts
 * import { numbersOfTokens } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...numbersOfTokens(["b", "z"], ["<unk>", "a", "b"])], [2, 0]);
 * ```
 */
export function numbersOfTokens(tokens: readonly string[], vocabulary: readonly string[]): Int32Array<ArrayBuffer> {
  const numbers = new Map(vocabulary.map((token, number) => [token, number]));
  numbers.delete(UNKNOWN); // a token that is spelled like it is unknown too
  return Int32Array.from(tokens, (token) => numbers.get(token) ?? 0);
}
