/** Broken: steps 2k and 2k + 1 share a draw. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent steps"];

export const stepPairs: Factory<"activation", { rate?: number }> = definePlugin({
  name: "step-pairs",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, options: { rate } }) => ({ key: key.atStep(key.step - key.step % 2), rate }) },
  claims: { mean: "kept", eval: "identity" },
});

export const stepPairsOfWeights: Factory<"weight", { rate?: number }> = definePlugin({
  name: "step-pairs-of-weights",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key.atStep(key.step - key.step % 2), rate),
});
