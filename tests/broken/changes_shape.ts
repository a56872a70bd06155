/** Broken: the output has another shape than the input. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["sites"];

export const changesShape: Factory<"activation", { rate?: number }> = definePlugin({
  name: "changes-shape",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    (mode === "eval" ? x : x.dropout(key, rate)).reshape([x.shape[0], -1, 1]),
  claims: { mean: "kept", eval: "identity" },
});
