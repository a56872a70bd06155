/** Broken: only positive entries are dropped. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["blind to values"];

export const positiveOnly: Factory<"activation", { rate?: number }> = definePlugin({
  name: "positive-only",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.sub(x.relu()).add(x.relu().dropout(key, rate)),
  claims: { mean: "kept", eval: "identity" },
});

export const positiveWeightsOnly: Factory<"weight", { rate?: number }> = definePlugin({
  name: "positive-weights-only",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.sub(x.relu()).add(x.relu().dropout(key, rate)),
});
