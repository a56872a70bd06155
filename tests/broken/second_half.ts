/** Broken: after half of the training what is kept is not scaled. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["one rule of scaling"];

export const secondHalf: Factory<"activation", { rate?: number }> = definePlugin({
  name: "second-half",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: {
    mask: ({ key, progress, options: { rate } }) =>
      2 * progress.step < progress.totalSteps ? { key, rate } : { key, rate, a: 1 },
  },
  claims: { mean: "kept", eval: "identity" },
});

export const secondHalfOfWeights: Factory<"weight", { rate?: number }> = definePlugin({
  name: "second-half-of-weights",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight(x, { mode, key, progress, options: { rate } }) {
    return mode === "eval" ? x : x.dropout(key, rate, { scale: 2 * progress.step < progress.totalSteps });
  },
});
