/** Broken: all Monte Carlo passes of a step have one mask. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["Monte Carlo passes"];

export const onePass: Factory<"activation", { rate?: number }> = definePlugin({
  name: "one-pass",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, options: { rate } }) => ({ key: key.atPass(0), rate }) },
  claims: { mean: "kept", eval: "identity" },
});
