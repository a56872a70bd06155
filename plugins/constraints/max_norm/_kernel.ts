/** The kernel of the max-norm projection. @module */
import { defineKernel, type Floats, type Kernel, parameters } from "../../../core/mod.ts";
import text from "./max_norm.c" with { type: "text" };

const { inout, number, size } = parameters;

/** Shrinks long rows to length `max`. */
function twin(weight: Floats, rows: number, cols: number, max: number): void {
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += weight[r * cols + c] ** 2;
    const norm = Math.sqrt(sum);
    if (norm <= max) continue;
    for (let c = 0; c < cols; c++) weight[r * cols + c] *= max / norm;
  }
}

/** In place: each row of `weight: [rows, cols]` is shrunk to length `max` if it is longer. */
export const maxNormKernel: Kernel<typeof twin> = defineKernel({
  name: "maxNorm",
  parameters: [inout("weight", ["rows", "cols"]), size("rows"), size("cols"), number("max")],
  twin,
  source: { file: "max_norm.c", text },
});
