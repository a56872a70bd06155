/** Broken: its noise is twice what it claims. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["claim: variance"];

export const falseVariance: Factory<"activation", { rate?: number }> = definePlugin({
  name: "false-variance",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    if (mode === "eval" || rate === 1) return x;
    const noise = Tensor.normal(x.shape, key, x.floatType);
    return x.mul(noise.mul(Math.sqrt(2 * rate / (1 - rate))).add(1));
  },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
});
