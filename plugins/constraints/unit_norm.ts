/** Unit norm: the weights into each unit have length 1. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { type NormOf, normOfSchema, scaleVectors } from "./_norms.ts";

/** Options of {@linkcode unitNorm}. */
export interface UnitNormOptions {
  /** Whose length: all weights into a `unit` or filter (default), or each `kernel`, a filter's window on one channel. */
  per?: NormOf;
}

/**
 * Brings the weights into each unit (a row of `[units, ...]`), or each kernel of a convolution, to length 1:
 * `w <- w / ||w||`. Zeros, which have no direction, stay as they are.
 *
 * When: where only directions should count, as for vectors of words or filters that are compared.
 * Cost: a few passes over the weight after each update.
 *
 * @throws {OptionError} for `per: "kernel"` at a weight without windows
 *
 * @example
 * ```ts
 * import { dense, unitNorm } from "@thinned/dropout";
 *
 * dense(800, { constraint: unitNorm() });
 * ```
 */
export const unitNorm: Factory<"constraint", UnitNormOptions> = definePlugin({
  name: "unit-norm",
  summary: "Brings each unit's incoming weights to length 1.",
  options: z.object({ per: normOfSchema }),
  project: (weight, { options: { per } }) => scaleVectors(weight, per, (norms) => norms.pow(-1)),
});
