/** Broken: it drops at evaluation too. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["evaluation", "claim: evaluation"];

export const activeAtEvaluation: Factory<"activation", { rate?: number }> = definePlugin({
  name: "active-at-evaluation",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { key, options: { rate } }) => x.dropout(key, rate),
  claims: { mean: "kept", eval: "identity" },
});
