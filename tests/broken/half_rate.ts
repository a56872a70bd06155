/** Broken: half of the rate that is asked for is dropped. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["realised rate"];

export const halfRate: Factory<"activation", { rate?: number }> = definePlugin({
  name: "half-rate",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, options: { rate } }) => ({ key, rate: rate < 1 ? rate / 2 : 1 }) },
  claims: { mean: "kept", eval: "identity" },
});

export const halfRateOfWeights: Factory<"weight", { rate?: number }> = definePlugin({
  name: "half-rate-of-weights",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate < 1 ? rate / 2 : 1),
});

export const halfRateOfBranch: Factory<"branch", { rate?: number }> = definePlugin({
  name: "half-rate-of-branch",
  options: z.object({ rate: rateSchema.default(0.5) }),
  branch: { mask: ({ key, options: { rate } }) => ({ key, rate: rate < 1 ? rate / 2 : 1, share: [0] }) },
  claims: { mean: "kept", eval: "identity", draw: "batch" },
});

export const halfRateInTime: Factory<"recurrent", { rate?: number }> = definePlugin({
  name: "half-rate-in-time",
  options: z.object({ rate: rateSchema.default(0.5) }),
  places: () => ["output"],
  recurrent: {
    mask: ({ key, options: { rate } }, { place, time }) => ({
      key: key.at(place).later(time),
      rate: rate < 1 ? rate / 2 : 1,
    }),
  },
  claims: { mean: "kept", eval: "identity" },
});
