/** Broken: its draws do not depend on the seed. @module */
import { z } from "zod";
import { definePlugin, type Factory, Key, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["other key, other bits"];

export const ownKey: Factory<"activation", { rate?: number }> = definePlugin({
  name: "own-key",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" ? x : x.dropout(Key.seed(1).atStep(key.step).sample(key.first), rate),
  claims: { mean: "kept", eval: "identity" },
});
