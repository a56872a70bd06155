/** Broken: the backward pass draws a mask of its own. @module */
import { z } from "zod";
import { customGradient, definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["gradient", "mask of the backward pass"];

export const otherMaskBackward: Factory<"activation", { rate?: number }> = definePlugin({
  name: "other-mask-backward",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval"
      ? x
      : customGradient([x], ([x]) => x.dropout(key, rate), (dy) => [dy.dropout(key.at("backward"), rate)]),
  claims: { mean: "kept", eval: "identity" },
});
