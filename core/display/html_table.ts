/** Tables in HTML, which take their colours from what is around them. @module */
import { escaped } from "./jupyter.ts";

const CELL = "padding:.15em .7em;white-space:nowrap;border:0;background:none";

/**
 * A table.
 *
 * @param head the names of the columns; none for a table of numbers alone
 * @param rows a text for each column
 * @param left the columns that are not numbers, by their places
 */
export function htmlTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[] = [],
): string {
  const row = (kind: "th" | "td", cells: readonly string[], line: string) =>
    `<tr style="background:none">${
      cells.map((text, i) => {
        const align = left.includes(i) ? "left" : "right";
        return `<${kind} style="${CELL};text-align:${align};${line}">${escaped(text)}</${kind}>`;
      }).join("")
    }</tr>`;
  const body = rows.map((cells) => row("td", cells, "")).join("");
  const titles = head.length === 0 ? "" : row("th", head, "border-bottom:1px solid currentColor");
  return `<table style="border-collapse:collapse;color:inherit;font-variant-numeric:tabular-nums">${titles}${body}</table>`;
}
