/** Broken: what is dropped makes it likelier that the next entry is dropped too. @module */
import { z } from "zod";
import { definePlugin, type Factory, keepProbability, noGrad, rateSchema, rateThreshold, Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["independent entries"];

export const correlated: Factory<"activation", { rate?: number }> = definePlugin({
  name: "correlated",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    if (mode === "eval" || rate === 1) return x.dropout(key, mode === "eval" ? 0 : rate);
    const last = x.shape[x.rank - 1];
    const drawn = Tensor.bernoulli(x.shape, key, rate, 1, x.floatType).floats;
    const copied = Tensor.bernoulli(x.shape, key.at("copied"), 0.7, 1, x.floatType).floats;
    const kept = Float64Array.from(drawn);
    // Three entries in ten have what the entry before them has.
    for (let i = 0; i < kept.length; i++) if (i % last > 0 && copied[i] === 1) kept[i] = kept[i - 1];
    return x.mask(noGrad(() => Tensor.from(kept, x.shape, x.dtype).div(keepProbability(rateThreshold(rate)))));
  },
  claims: { mean: "kept", eval: "identity" },
});
