/** Broken: an example is dropped as a whole or not at all, and it does not say so. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent entries"];

export const wholeExample: Factory<"activation", { rate?: number }> = definePlugin({
  name: "whole-example",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key, rate, { sharedAxes: x.shape.map((_, axis) => axis).slice(1) }),
  claims: { mean: "kept", eval: "identity" },
});

export const wholeWeight: Factory<"weight", { rate?: number }> = definePlugin({
  name: "whole-weight",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key, rate, { sharedAxes: x.shape.map((_, axis) => axis) }),
});
