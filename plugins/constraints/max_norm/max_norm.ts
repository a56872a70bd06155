/**
 * Max-norm: the weights into each unit are kept inside a ball.
 *
 * Srebro and Shraibman (2005); with dropout: Srivastava et al., JMLR 15 (2014), section 5.1: `||w|| <= c`, by projection
 * after each update.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Scheduled, scheduled } from "../../../core/mod.ts";
import { type NormOf, normOfSchema, vectorsOf } from "../_norms.ts";
import { maxNormKernel } from "./_kernel.ts";

/** Options of {@linkcode maxNorm}. */
export interface MaxNormOptions {
  /** The largest length of a unit's incoming weights, above 0, or a schedule. Default 3. */
  max?: Scheduled;
  /** Whose length: all weights into a `unit` or filter (default), or each `kernel`, a filter's window on one channel. */
  per?: NormOf;
}

/**
 * Shrinks each unit's incoming weights (a row of `[units, ...]`), or each kernel of a convolution, to length `max` if they
 * are longer; shorter ones are left exactly as they are.
 *
 * When: with dropout and large learning rates, so that weights search far without running away; 2 to 4 are usual.
 * Cost: one pass over the weight after each update.
 *
 * @throws {OptionError} for `per: "kernel"` at a weight without windows
 *
 * @example
 * ```ts
 * import { dense, maxNorm } from "@thinned/dropout";
 *
 * dense(800, { constraint: maxNorm({ max: 2 }) });
 * ```
 */
export const maxNorm: Factory<"constraint", MaxNormOptions> = definePlugin({
  name: "max-norm",
  kernels: [maxNormKernel],
  summary: "Keeps each unit's incoming weights inside a ball.",
  paper: {
    authors: "Srebro, Shraibman",
    year: 2005,
    title: "Rank, Trace-Norm and Max-Norm",
    url: "https://doi.org/10.1007/11503415_37",
  },
  options: z.object({
    max: scheduled(z.number("expected a number above 0").positive("expected a number above 0")).default(3)
      .describe("the largest length of a unit's incoming weights"),
    per: normOfSchema,
  }),
  project(weight, { options: { max, per } }) {
    maxNormKernel(weight.floats, ...vectorsOf(weight, per), max);
  },
});
