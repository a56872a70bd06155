/** Broken: in float32 what is kept is not scaled. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["float32 as float64"];

export const float32Scale: Factory<"activation", { rate?: number }> = definePlugin({
  name: "float32-scale",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key, rate, { scale: x.dtype === "float64" }),
  claims: { mean: "kept", eval: "identity" },
});

export const float32ScaleOfWeights: Factory<"weight", { rate?: number }> = definePlugin({
  name: "float32-scale-of-weights",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key, rate, { scale: x.dtype === "float64" }),
});
