/** Broken: the rows of a weight share a draw, and it does not say so. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent entries"];

export const weightRows: Factory<"weight", { rate?: number }> = definePlugin({
  name: "weight-rows",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate, { sharedAxes: [0] }),
  claims: { mean: "kept", eval: "identity" },
});

export const weightColumns: Factory<"weight", { rate?: number }> = definePlugin({
  name: "weight-columns",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate, { sharedAxes: [1] }),
});
