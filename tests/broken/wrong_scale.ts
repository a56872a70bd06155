/** Broken: kept units are not divided by the keep probability. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["claim: mean"];

export const wrongScale: Factory<"activation", { rate?: number }> = definePlugin({
  name: "wrong-scale",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate, { scale: false }),
  claims: { mean: "kept", eval: "identity" },
});
