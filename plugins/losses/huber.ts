/**
 * Huber's loss: squared near the target, absolute far from it.
 *
 * Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 35 (1964), section 4.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { checkTargets, reduce, type ReductionOption, reductionSchema } from "./_reduction.ts";

/** Options of {@linkcode huber}. */
export interface HuberOptions extends ReductionOption {
  /** The distance at which the loss turns from squared to absolute, above 0. Default 1. */
  delta?: number;
}

/**
 * With `d = |outputs - targets|`, the mean of `d^2 / 2` where d <= delta, else `delta (d - delta / 2)`. Both `[batch, ...]`.
 *
 * @example
 * ```ts
 * import { huber, lossOf, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(lossOf(huber({ reduction: "sum" }), Tensor.of([[0.5, 3]]), Tensor.of([[0, 0]])).item(), 0.125 + 2.5);
 * ```
 */
export const huber: Factory<"loss", HuberOptions> = definePlugin({
  name: "huber",
  summary: "Squared difference near the target, absolute far from it.",
  paper: {
    authors: "Huber",
    year: 1964,
    title: "Robust Estimation of a Location Parameter",
    url: "https://doi.org/10.1214/aoms/1177703732",
  },
  options: z.object({
    delta: z.number("expected a number above 0").positive("expected a number above 0").default(1)
      .describe("the distance at which the loss turns from squared to absolute"),
    reduction: reductionSchema,
  }),
  targets: "numbers",
  loss(outputs, targets, { delta, reduction }) {
    checkTargets("huber", outputs, targets);
    // With c = min(d, delta), both cases are c (d - c / 2).
    const distance = outputs.sub(targets).abs();
    const near = distance.clamp(0, delta);
    return reduce(near.mul(distance.sub(near.mul(0.5))), reduction);
  },
});
