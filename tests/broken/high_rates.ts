/** Broken: above a rate of 0.8 what is kept is not scaled as below. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["one rule of scaling"];

export const highRates: Factory<"activation", { rate?: number }> = definePlugin({
  name: "high-rates",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, options: { rate } }) => rate > 0.8 && rate < 1 ? { key, rate, a: 5 } : { key, rate } },
  claims: { mean: "kept", eval: "identity" },
});

export const highRatesUnclaimed: Factory<"weight", { rate?: number }> = definePlugin({
  name: "high-rates-unclaimed",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate, { scale: rate <= 0.8 }),
});
