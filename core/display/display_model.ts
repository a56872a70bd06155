/** A model in a notebook: its summary as a table. @module */
import { showShape } from "../errors.ts";
import type { SummaryRow } from "../plugin/model_options.ts";
import type { Shape } from "../tensor/shape.ts";
import { htmlTable } from "./html_table.ts";
import { type DisplayBundle, escaped } from "./jupyter.ts";

/**
 * What a model shows of itself.
 *
 * @param plain its summary as text
 */
export function displayModel(
  { rows, inputs, plain }: { rows: readonly SummaryRow[]; inputs: readonly Shape[]; plain: string },
): DisplayBundle {
  const total = rows.reduce((sum, { parameters }) => sum + parameters, 0);
  const cells = rows.map(({ path, plugin, shape, parameters, site }) => {
    const depth = path === "" ? 0 : path.split(".").length;
    const numbers = parameters === 0 ? "" : parameters.toLocaleString("en");
    return ["\u2003".repeat(depth) + (path === "" ? "model" : path), plugin, showShape(shape), numbers, site ?? ""];
  });
  const sentence = `${total.toLocaleString("en")} parameters, input ${inputs.map(showShape).join(", ")}`;
  return {
    "text/plain": plain,
    "text/html": htmlTable(["place", "plugin", "output", "parameters", "site"], cells, [0, 1, 2, 4]) +
      `<div style="opacity:.7;margin-top:.3em">${escaped(sentence)}</div>`,
  };
}
