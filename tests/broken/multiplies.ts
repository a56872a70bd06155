/** Broken: it multiplies by the mask, so that a dropped infinity gives NaN. @module */
import { z } from "zod";
import { definePlugin, type Factory, keepProbability, rateSchema, rateThreshold, Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["dropped infinities"];

export const multiplies: Factory<"activation", { rate?: number }> = definePlugin({
  name: "multiplies",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    if (mode === "eval") return x;
    const scale = rate === 1 ? 0 : 1 / keepProbability(rateThreshold(rate));
    return x.mul(Tensor.bernoulli(x.shape, key, rate, scale, x.floatType));
  },
  claims: { mean: "kept", eval: "identity" },
});
