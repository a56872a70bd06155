/** Broken: at a rate of 1 it divides by 0. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["rates of 0 and 1"];

export const nanAtOne: Factory<"activation", { rate?: number }> = definePlugin({
  name: "nan-at-one",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key, rate, { scale: false }).div(1 - rate),
  claims: { mean: "kept", eval: "identity" },
});
