/** Broken, at a weight: kept weights are not divided by the keep probability. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["claim: mean"];

export const weightScale: Factory<"weight", { rate?: number }> = definePlugin({
  name: "weight-scale",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (weight, { mode, key, options: { rate } }) =>
    mode === "eval" ? weight : weight.dropout(key, rate, { scale: false }),
  claims: { mean: "kept", eval: "identity" },
});
