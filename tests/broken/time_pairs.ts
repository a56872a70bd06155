/** Broken: steps 2k and 2k + 1 of a sequence share a draw, and it does not say so. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent entries"];

export const timePairs: Factory<"recurrent", { rate?: number }> = definePlugin({
  name: "time-pairs",
  options: z.object({ rate: rateSchema.default(0.5) }),
  recurrent: { mask: ({ key, options: { rate } }, { place, time }) => ({ key: key.at(place).later(time >> 1), rate }) },
  claims: { mean: "kept", eval: "identity" },
});

export const allTime: Factory<"recurrent", { rate?: number }> = definePlugin({
  name: "all-time",
  options: z.object({ rate: rateSchema.default(0.5) }),
  places: () => ["output"],
  recurrent: (x, _step, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key, rate),
});
