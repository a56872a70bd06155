/** Broken: the backward pass does not divide by the keep probability. @module */
import { z } from "zod";
import { customGradient, definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["gradient"];

export const wrongGradient: Factory<"activation", { rate?: number }> = definePlugin({
  name: "wrong-gradient",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval"
      ? x
      : customGradient([x], ([x]) => x.dropout(key, rate), (dy) => [dy.dropout(key, rate, { scale: false })]),
  claims: { mean: "kept", eval: "identity" },
});
