/** Broken: all places of a recurrent layer share a draw. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["independent entries"];

export const recurrentPlaces: Factory<"recurrent", { rate?: number }> = definePlugin({
  name: "recurrent-places",
  options: z.object({ rate: rateSchema.default(0.5) }),
  places: () => ["input", "output"],
  recurrent: { mask: ({ key, options: { rate } }, { time }) => ({ key: key.later(time), rate }) },
  claims: { mean: "kept", eval: "identity" },
});

export const recurrentPlacesByMethod: Factory<"recurrent", { rate?: number }> = definePlugin({
  name: "recurrent-places-by-method",
  options: z.object({ rate: rateSchema.default(0.5) }),
  places: () => ["previous-hidden", "hidden"],
  recurrent: (x, { time }, { mode, key, options: { rate } }) => mode === "eval" ? x : x.dropout(key.later(time), rate),
});
