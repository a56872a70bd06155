/** Broken: in mode sample what is kept is not scaled. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["sample draws as train"];

export const sampleScale: Factory<"activation", { rate?: number }> = definePlugin({
  name: "sample-scale",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ mode, key, options: { rate } }) => mode === "sample" ? { key, rate, a: 1 } : { key, rate } },
  claims: { mean: "kept", eval: "identity" },
});

export const sampleScaleUnclaimed: Factory<"activation", { rate?: number }> = definePlugin({
  name: "sample-scale-unclaimed",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key, rate, { scale: mode === "train" }),
});

export const sampleScaleOfBranch: Factory<"branch", { rate?: number }> = definePlugin({
  name: "sample-scale-of-branch",
  options: z.object({ rate: rateSchema.default(0.5) }),
  branch: { mask: ({ mode, key, options: { rate } }) => mode === "sample" ? { key, rate, a: 1 } : { key, rate } },
});
