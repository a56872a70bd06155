/** Broken: all heads of an attention layer share a draw, and it does not say so. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent entries"];

export const heads: Factory<"attention", { rate?: number }> = definePlugin({
  name: "heads",
  options: z.object({ rate: rateSchema.default(0.5) }),
  attention: (x, _stage, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key, rate, { sharedAxes: [1] }),
  claims: { mean: "kept", eval: "identity" },
});

export const queries: Factory<"attention", { rate?: number }> = definePlugin({
  name: "queries",
  options: z.object({ rate: rateSchema.default(0.5) }),
  attention: (x, _stage, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key, rate, { sharedAxes: [2] }),
});
