/** Broken: options come back from JSON as others. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["options"];

export const turnedOptions: Factory<"activation", { rate?: number }> = definePlugin({
  name: "turned-options",
  options: z.object({ rate: rateSchema.default(0.25).transform((rate) => 1 - rate) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, 1 - rate),
  claims: { eval: "identity" },
});
