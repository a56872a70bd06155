/** Broken: mode sample does not look at the rate. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["realised rate"];

export const sampleRate: Factory<"activation", { rate?: number }> = definePlugin({
  name: "sample-rate",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ mode, key, options: { rate } }) => ({ key, rate: mode === "sample" ? 0.5 : rate }) },
  claims: { mean: "kept", eval: "identity" },
});

export const sampleRateOfWeights: Factory<"weight", { rate?: number }> = definePlugin({
  name: "sample-rate-of-weights",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, mode === "sample" ? 0.5 : rate),
});
