/** Broken: evaluation is the identity, and is said to scale. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["claim: evaluation"];

export const falseEvaluation: Factory<"activation", { rate?: number }> = definePlugin({
  name: "false-evaluation",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate),
  claims: { mean: "kept", eval: "scaled" },
});
