/** Broken: Monte Carlo passes 2k and 2k + 1 share a draw. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent steps"];

export const passPairs: Factory<"activation", { rate?: number }> = definePlugin({
  name: "pass-pairs",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: { mask: ({ key, options: { rate } }) => ({ key: key.atPass(key.pass - key.pass % 2), rate }) },
  claims: { mean: "kept", eval: "identity" },
});
