/** Broken: all examples have the same mask, and it does not say so. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["other sample, other bits"];

export const sameRows: Factory<"activation", { rate?: number }> = definePlugin({
  name: "same-rows",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate, { sharedAxes: [0] }),
  claims: { mean: "kept", eval: "identity" },
});
