/** Broken: the mask depends on the input, and it does not say so. @module */
import { z } from "zod";
import { definePlugin, type Factory, noGrad, rateSchema, Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["blind to values"];

export const looksAtValues: Factory<"activation", { rate?: number }> = definePlugin({
  name: "looks-at-values",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    if (mode === "eval" || rate === 0 || rate === 1) return x.dropout(key, mode === "eval" ? 0 : rate);
    const u = Tensor.uniform(x.shape, key, x.floatType);
    // A uniform number, moved round by the value.
    const moved = noGrad(() => u.add(x.abs().mul(0.37)));
    const left = Float64Array.from(moved.floats, (value) => value % 1 < rate ? 0 : 1 / (1 - rate));
    return x.mask(Tensor.from(left, x.shape, x.dtype));
  },
  claims: { eval: "identity" },
});

export const looksAtSign: Factory<"activation", { rate?: number }> = definePlugin({
  name: "looks-at-sign",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    if (mode === "eval" || rate === 1) return x.dropout(key, mode === "eval" ? 0 : rate);
    const above = noGrad(() => x.greater(0));
    return x.mask(above).dropout(key.at("above"), rate).add(x.mask(above.sub(1).neg()).dropout(key, rate));
  },
  claims: { mean: "kept", eval: "identity" },
});
