/** Broken: training is the identity. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["something is dropped"];

export const neverDrops: Factory<"activation", { rate?: number }> = definePlugin({
  name: "never-drops",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x) => x,
  claims: { mean: "kept", eval: "identity" },
});
