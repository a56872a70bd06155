/** Broken: after half of the training nothing is dropped. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["realised rate"];

export const secondHalfIdle: Factory<"activation", { rate?: number }> = definePlugin({
  name: "second-half-idle",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, progress, options: { rate } }) {
    return mode === "eval" || 2 * progress.step > progress.totalSteps ? x : x.dropout(key, rate);
  },
  claims: { mean: "kept", eval: "identity" },
});
