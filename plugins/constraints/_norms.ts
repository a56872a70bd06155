/** What constraints on lengths share: the vectors whose length they take, and the option that says which. @module */
import { z } from "zod";
import { OptionError, type Tensor } from "../../core/mod.ts";

/** Whose length is taken: all weights into a `unit` or filter, or each `kernel` of a filter, one for each input channel. */
export type NormOf = "unit" | "kernel";

/** The option that says it. */
export const normOfSchema: z.ZodType<NormOf, NormOf | undefined> = z.enum(["unit", "kernel"]).default("unit")
  .describe("all weights into a unit or filter, or each window of a filter");

/**
 * Number and length of the vectors of a weight `[units, inputs, ...window]`.
 *
 * @throws {OptionError} for kernels of a weight that has none
 */
export function vectorsOf(weight: Tensor, per: NormOf): [rows: number, cols: number] {
  const { shape, rank, size } = weight;
  if (per === "kernel" && rank < 3) throw new OptionError("per", '"unit" at a weight without windows', per);
  const rows = per === "kernel" ? shape[0] * shape[1] : shape[0] ?? 1;
  return [rows, size / Math.max(rows, 1)];
}

/**
 * Multiplies each vector of a weight by a number that follows from its length, in place.
 *
 * @param factor from the lengths `[rows, 1]`, none of them 0, to the numbers
 */
export function scaleVectors(weight: Tensor, per: NormOf, factor: (norms: Tensor) => Tensor): void {
  const vectors = weight.reshape(vectorsOf(weight, per));
  // A length of 0 has no direction: whatever it is multiplied by, the vector stays 0.
  const norms = vectors.square().sum(1, true).sqrt().maximum(1e-37);
  weight.assign(vectors.mul(factor(norms)).reshape(weight.shape));
}
