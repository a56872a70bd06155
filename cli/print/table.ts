/** Tables as text. @module */

/** A column of a table. */
export interface Column {
  /** Its heading. */
  readonly title: string;
  /** Where its cells stand. Default: numbers right, texts left. */
  readonly align?: "left" | "right";
}

/**
 * An aligned table: a line of headings, a rule, and a line for each row, or as many as its cells have, without a line feed
 * at the end.
 *
 * @param rows the cells, of any number of lines; missing ones at the end of a row are empty
 * @param columns headings, or columns with an alignment
 */
export function table(rows: readonly (readonly (string | number)[])[], columns: readonly (string | Column)[]): string {
  const cells = rows.flatMap((row) => {
    const lines = columns.map((_, i) => String(row[i] ?? "").split("\n"));
    const height = Math.max(...lines.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) => lines.map((cell) => cell[line] ?? ""));
  });
  const layout = columns.map((column, i) => {
    const { title, align } = typeof column === "string" ? { title: column } : column as Column;
    const own = cells.map((row) => row[i]);
    const right = align === undefined
      ? own.some(isNumber) && own.every((cell) => cell === "" || isNumber(cell))
      : align === "right";
    return { title, right, width: Math.max(...[title, ...own].map(widthOf)) };
  });
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => {
      const gap = " ".repeat(layout[i].width - widthOf(cell));
      return layout[i].right ? gap + cell : cell + gap;
    }).join("  ").trimEnd();
  const rule = layout.map(({ width }) => "─".repeat(width)).join("  ");
  return [line(layout.map(({ title }) => title)), rule, ...cells.map(line)].join("\n");
}
/** Whether a cell is a number, with a unit or without. */
function isNumber(cell: string): boolean {
  return /^[-+−]?(\d[\d,]*(\.\d+)?(e[-+]?\d+)?|NaN|Infinity)\s?(%|[a-zµ]{1,3})?$/i.test(stripped(cell));
}

function stripped(cell: string): string {
  // deno-lint-ignore no-control-regex
  return cell.replace(/\x1b\[[0-9;]*m/g, "");
}

function widthOf(cell: string): number {
  return [...stripped(cell)].length;
}
