/** Broken: one word or unit is never dropped. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["realised rate"];

export const sparedWord: Factory<"embedding", { rate?: number }> = definePlugin({
  name: "spared-word",
  options: z.object({ rate: rateSchema.default(0.5) }),
  embedding(table, indices, { mode, key, options: { rate } }) {
    if (mode === "eval") return table.take(indices);
    const dropped = table.dropout(key.whole(), rate, { sharedAxes: [1] });
    if (rate === 1) return dropped.take(indices);
    const spared = Tensor.from(Float64Array.from({ length: table.shape[0] }, (_, i) => i === 3 ? 1 : 0), [
      table.shape[0],
      1,
    ], table.dtype);
    return table.mask(spared).add(dropped.mask(spared.sub(1).neg())).take(indices);
  },
  claims: { eval: "identity", shares: [1] },
});

export const sparedUnit: Factory<"activation", { rate?: number }> = definePlugin({
  name: "spared-unit",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    if (mode === "eval" || rate === 1) return x.dropout(key, mode === "eval" ? 0 : rate);
    const last = x.shape[x.rank - 1];
    const spared = Tensor.from(Float64Array.from({ length: last }, (_, i) => i === last - 1 ? 1 : 0), [last], x.dtype);
    return x.mask(spared).add(x.dropout(key, rate).mask(spared.sub(1).neg()));
  },
  claims: { mean: "kept", eval: "identity" },
});
