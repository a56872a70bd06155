/** Broken, in attention: weights are multiplied by the mask, so that a dropped infinity gives NaN. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["dropped infinities"];

export const attentionMultiplies: Factory<"attention", { rate?: number }> = definePlugin({
  name: "attention-multiplies",
  options: z.object({ rate: rateSchema.default(0.5) }),
  stages: () => ["weights"],
  attention: (weights, _stage, { mode, key, options: { rate } }) =>
    mode === "eval" ? weights : weights.mul(Tensor.bernoulli(weights.shape, key, rate, 1, weights.floatType)),
  claims: { mean: "reduced", eval: "identity" },
});
