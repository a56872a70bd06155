/** Broken: one unit far behind, or one word, is never dropped. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["realised rate"];

export const sparedFar: Factory<"activation", { rate?: number }> = definePlugin({
  name: "spared-far",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    if (mode === "eval" || rate === 1) return x.dropout(key, mode === "eval" ? 0 : rate);
    const last = x.shape[x.rank - 1];
    const spared = Tensor.from(Float64Array.from({ length: last }, (_, i) => i === 700 ? 1 : 0), [last], x.dtype);
    return x.mask(spared).add(x.dropout(key, rate).mask(spared.sub(1).neg()));
  },
});
