/** Broken: it never drops more than eight in ten. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["realised rate"];

export const highestRate: Factory<"activation", { rate?: number }> = definePlugin({
  name: "highest-rate",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, options: { rate } }) => ({ key, rate: rate < 1 ? Math.min(rate, 0.8) : 1 }) },
  claims: { mean: "kept", eval: "identity" },
});

export const highestRateOfWords: Factory<"embedding", { rate?: number }> = definePlugin({
  name: "highest-rate-of-words",
  options: z.object({ rate: rateSchema.default(0.5) }),
  embedding: {
    mask: ({ key, options: { rate } }) => ({ key, rate: rate < 1 ? Math.min(rate, 0.8) : 1, share: [0, 2] }),
  },
});
