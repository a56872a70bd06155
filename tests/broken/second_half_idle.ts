/** Broken: after half of the training nothing is dropped. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["realised rate"];

export const secondHalfIdle: Factory<"activation", { rate?: number }> = definePlugin({
  name: "second-half-idle",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: {
    mask: ({ key, progress, options: { rate } }) =>
      2 * progress.step < progress.totalSteps || rate === 1 ? { key, rate } : null,
  },
  claims: { mean: "kept", eval: "identity" },
});
