/** The activation `relu`. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/**
 * Max(x, 0), elementwise. Behind a dense layer it is fused into it.
 *
 * @example
 * ```ts
 * import { buildModel, relu, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(buildModel(relu(), { inputShape: [2] }).forward(Tensor.of([[-1, 2]])).shape, [1, 2]);
 * ```
 */
export const relu: Factory<"layer", Record<never, never>> = definePlugin({
  name: "relu",
  summary: "Max(x, 0), elementwise.",
  options: z.object({}),
  epilogue: "relu",
  forward: (x) => x.relu(),
  moments({ mean, variance }) {
    // Of a normal input, with z = mean / deviation: E = mean Phi(z) + deviation phi(z). A variance of 0 is a limit.
    const deviation = variance.maximum(1e-30).sqrt();
    const z = mean.div(deviation);
    const below = z.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
    const density = z.square().mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI)).mul(deviation);
    const out = mean.mul(below).add(density);
    const square = mean.square().add(variance).mul(below).add(mean.mul(density));
    return { mean: out, variance: square.sub(out.square()).maximum(0) };
  },
});
