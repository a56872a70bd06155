/** Broken: masks come back along a sequence. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["no period along entries"];

export const timePeriod: Factory<"recurrent", { rate?: number }> = definePlugin({
  name: "time-period",
  options: z.object({ rate: rateSchema.default(0.5) }),
  places: () => ["output"],
  recurrent: { mask: ({ key, options: { rate } }, { place, time }) => ({ key: key.at(place).later(time % 12), rate }) },
  claims: { mean: "kept", eval: "identity" },
});
