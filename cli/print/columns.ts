/** Terms with their explanations, as `--help` prints them. @module */

/** Characters of a line. */
const WIDTH = 100;

/**
 * A line for each term, explanations below each other and broken into lines.
 *
 * @param rows terms with what they mean
 */
export function columns(rows: readonly (readonly [term: string, meaning: string])[]): string {
  const indent = 4 + Math.max(...rows.map(([term]) => term.length));
  return rows.map(([term, meaning]) =>
    `  ${term.padEnd(indent - 2)}${wrap(meaning, WIDTH - indent).join(`\n${" ".repeat(indent)}`)}`
  ).join("\n");
}

/** A text in lines of at most some characters, where its words are short enough. */
export function wrap(text: string, width: number = WIDTH): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
