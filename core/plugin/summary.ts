/** A model as a table. @module */
import { showShape } from "../errors.ts";
import type { Model } from "./model.ts";

/** A whole number with thousands apart: `1_284_106` as `1,284,106`. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * A model's layers, output shapes, parameters and variants as a table to print. Shapes are without the batch axis. A
 * variant's line says at which site it stands.
 *
 * @example
 * ```ts
 * import { buildModel, dense, dropout, formatSummary, sequential } from "@thinned/dropout";
 *
 * const model = buildModel(sequential([dense(800), dropout({ rate: 0.5 }), dense(10)]), { inputShape: [784] });
 * console.log(formatSummary(model));
 * ```
 */
export function formatSummary(model: Model): string {
  const rows = model.summary();
  const cells = rows.map(({ path, plugin, shape, parameters, site }) => {
    const depth = path === "" ? 0 : path.split(".").length;
    const label = path === "" ? "model" : path;
    return [
      "  ".repeat(depth) + label,
      plugin,
      showShape(shape),
      parameters === 0 ? "" : grouped(parameters),
      site ?? "",
    ];
  });
  const table = [["place", "plugin", "output", "parameters", "site"], ...cells];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) =>
    row.map((cell, column) => column === 3 ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))
      .join("  ").trimEnd()
  );
  const rule = "-".repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  const inputs = model.inputShapes.map((shape) => showShape(shape)).join(", ");
  const variants = rows.filter((row) => row.site !== null).length;
  const total = `${grouped(model.parameterCount())} parameters, ` +
    `${variants} ${variants === 1 ? "variant" : "variants"}, input ${inputs}, ${model.dtype}`;
  return [lines[0], rule, ...lines.slice(1), rule, total].join("\n");
}
