/** Broken: every step has the same mask. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["other step, other bits", "Monte Carlo passes"];

export const sameMask: Factory<"activation", { rate?: number }> = definePlugin({
  name: "same-mask",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key.atStep(0), rate),
  claims: { eval: "identity" },
});
