/** A plugin of one's own, for `houses.json`: dropout whose rate falls to zero while training. @module */
import { definePlugin, type Factory, rateSchema } from "../mod.ts"; // in a project of its own: from "@thinned/dropout"
import { z } from "zod";

/** Drops units at a rate that falls in a straight line from `rate`, a number in [0, 1], to 0 at the last step. */
export const fadingDropout: Factory<"activation", { rate?: number }> = definePlugin({
  name: "fading-dropout",
  summary: "Dropout whose rate falls to zero while training.",
  options: z.object({ rate: rateSchema.default(0.2).describe("probability of dropping a unit at the first step") }),
  activation: {
    mask: ({ key, options, progress: { step, totalSteps } }) => ({
      key,
      rate: options.rate * Math.max(0, 1 - step / totalSteps),
    }),
  },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
});
