/** Broken: in float32 another mask is drawn. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["float32 as float64"];

export const float32Mask: Factory<"activation", { rate?: number }> = definePlugin({
  name: "float32-mask",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(x.dtype === "float64" ? key : key.at("single"), rate),
  claims: { mean: "kept", eval: "identity" },
});

export const float32MaskOfAttention: Factory<"attention", { rate?: number }> = definePlugin({
  name: "float32-mask-of-attention",
  options: z.object({ rate: rateSchema.default(0.5) }),
  attention: (x, _stage, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(x.dtype === "float64" ? key : key.at("single"), rate),
});
