/** Broken: evaluation is wrong for batches of other sizes than the usual ones. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["evaluation of batches"];

export const evaluatedBatches: Factory<"activation", { rate?: number }> = definePlugin({
  name: "evaluated-batches",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? [0, 1, 3, 5, 6, 7].includes(x.shape[0]) ? x : x.mul(1 - rate) : x.dropout(key, rate),
  claims: { mean: "kept", eval: "identity" },
});

export const evaluatedBatchesUnclaimed: Factory<"activation", { rate?: number }> = definePlugin({
  name: "evaluated-batches-unclaimed",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x.shape[0] === 16 ? x : x.mul(x.shape[0] > 40 ? 2 : 1) : x.dropout(key, rate),
});
