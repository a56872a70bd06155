/** Broken: its mask depends on how many examples come together. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["split of the batch"];

export const dependsOnBatch: Factory<"activation", { rate?: number }> = definePlugin({
  name: "depends-on-batch",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(key.at(`${x.shape[0]} rows`), rate),
  claims: { mean: "kept", eval: "identity" },
});
