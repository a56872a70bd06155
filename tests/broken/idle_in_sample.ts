/** Broken: Monte Carlo passes do not draw. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["Monte Carlo passes"];

export const idleInSample: Factory<"activation", { rate?: number }> = definePlugin({
  name: "idle-in-sample",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) => mode === "train" ? x.dropout(key, rate) : x,
  claims: { mean: "kept", eval: "identity" },
});
