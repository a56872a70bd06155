/**
 * Min-max-norm: the weights into each unit are kept between two lengths.
 *
 * Projection onto the shell `min <= ||w|| <= max`, wholly or by a share s of the way, as in Keras's `MinMaxNorm`:
 * `w <- w (s clip(||w||, min, max) + (1 - s) ||w||) / ||w||`, without the epsilon that shrinks every vector there.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Scheduled, scheduled } from "../../core/mod.ts";
import { type NormOf, normOfSchema, scaleVectors } from "./_norms.ts";

/** Options of {@linkcode minMaxNorm}. */
export interface MinMaxNormOptions {
  /** The smallest length, at least 0, or a schedule. Default 0. */
  min?: Scheduled;
  /** The largest length, above 0 and at least `min`, or a schedule. Default 1. */
  max?: Scheduled;
  /** The share of the way to the nearest allowed length that an update goes, in (0, 1]. Default 1. */
  strength?: number;
  /** Whose length: all weights into a `unit` or filter (default), or each `kernel`, a filter's window on one channel. */
  per?: NormOf;
}

const number = (value: unknown) => typeof value === "number";

/**
 * Stretches or shrinks the weights into each unit (a row of `[units, ...]`), or each kernel of a convolution, to the
 * nearest length in [min, max]. Vectors of an allowed length are left exactly as they are, and so are zeros, which have no
 * direction.
 *
 * When: where weights may neither run away nor die out.
 * Cost: a few passes over the weight after each update.
 *
 * @throws {OptionError} for `per: "kernel"` at a weight without windows, and where `min` is above `max`
 *
 * @example
 * ```ts
 * import { dense, minMaxNorm } from "@thinned/dropout";
 *
 * dense(800, { constraint: minMaxNorm({ min: 0.5, max: 2 }) });
 * ```
 */
export const minMaxNorm: Factory<"constraint", MinMaxNormOptions> = definePlugin({
  name: "min-max-norm",
  summary: "Keeps the length of each unit's incoming weights between two numbers.",
  options: z.object({
    min: scheduled(z.number("expected a number of at least 0").min(0, "expected a number of at least 0")).default(0)
      .describe("the smallest length"),
    max: scheduled(z.number("expected a number above 0").positive("expected a number above 0")).default(1)
      .describe("the largest length"),
    strength: z.number("expected a number in (0, 1]").positive("expected a number in (0, 1]")
      .max(1, "expected a number in (0, 1]").default(1).describe("share of the way to an allowed length"),
    per: normOfSchema,
  }).refine(({ min, max }) => !(number(min) && number(max) && min > max), {
    path: ["max"],
    error: "expected a number of at least min",
  }),
  project(weight, { options: { min, max, strength, per } }) {
    scaleVectors(weight, per, (norms) => {
      const allowed = norms.maximum(min).minimum(max);
      if (strength === 1) return allowed.div(norms);
      return allowed.sub(norms).div(norms).mul(strength).add(1);
    });
  },
});
