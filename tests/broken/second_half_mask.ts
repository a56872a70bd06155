/** Broken: after half of the training all steps have one mask. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent steps"];

export const secondHalfMask: Factory<"activation", { rate?: number }> = definePlugin({
  name: "second-half-mask",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: {
    mask: ({ key, progress, options: { rate } }) => ({
      key: 2 * progress.step < progress.totalSteps ? key : key.atStep(7),
      rate,
    }),
  },
  claims: { mean: "kept", eval: "identity" },
});
