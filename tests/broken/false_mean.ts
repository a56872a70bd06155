/** Broken: it keeps the mean, and claims that it does not. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["claim: mean"];

export const falseMean: Factory<"activation", { rate?: number }> = definePlugin({
  name: "false-mean",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate),
  claims: { mean: "reduced", eval: "identity" },
});
