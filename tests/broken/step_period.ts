/** Broken: masks come back from step to step. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["no period along steps"];

export const stepPeriod: Factory<"activation", { rate?: number }> = definePlugin({
  name: "step-period",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, options: { rate } }) => ({ key: key.atStep(key.step % 64), rate }) },
  claims: { mean: "kept", eval: "identity" },
});

export const longStepPeriod: Factory<"activation", { rate?: number }> = definePlugin({
  name: "long-step-period",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key.atStep(key.step % 1000), rate),
});

export const stepPeriodOfBranch: Factory<"branch", { rate?: number }> = definePlugin({
  name: "step-period-of-branch",
  options: z.object({ rate: rateSchema.default(0.5) }),
  branch: { mask: ({ key, options: { rate } }) => ({ key: key.atStep(key.step % 300), rate, share: [0] }) },
  claims: { draw: "batch" },
});
