/** Broken, at an embedding: the words that vanish depend on where a part of the batch begins. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["split of the batch"];

export const embeddingSplit: Factory<"embedding", { rate?: number }> = definePlugin({
  name: "embedding-split",
  options: z.object({ rate: rateSchema.default(0.5) }),
  embedding: (table, indices, { mode, key, options: { rate } }) =>
    (mode === "eval" ? table : table.dropout(key, rate, { sharedAxes: [1] })).take(indices),
  claims: { mean: "kept", eval: "identity" },
});
