/** Broken: the mask comes back along the entries of an example. @module */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  keepProbability,
  type Key,
  noGrad,
  rateSchema,
  rateThreshold,
  Tensor,
} from "../../mod.ts";

export const fails: readonly string[] = ["no period along entries"];

/** A mask of so many decisions, over and over. */
function tiled(x: Tensor, key: Key, rate: number, period: number): Tensor {
  const rows = x.shape[0];
  const each = x.size / Math.max(rows, 1);
  const drawn = Tensor.bernoulli([rows, period], key, rate, 1 / keepProbability(rateThreshold(rate)), x.floatType);
  const values = Float64Array.from(
    { length: x.size },
    (_, i) => drawn.floats[Math.floor(i / each) * period + i % each % period],
  );
  return noGrad(() => Tensor.from(values, x.shape, x.dtype));
}

export const entryPeriod: Factory<"activation", { rate?: number }> = definePlugin({
  name: "entry-period",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" || rate === 1 ? x.dropout(key, mode === "eval" ? 0 : rate) : x.mask(tiled(x, key, rate, 64)),
  claims: { mean: "kept", eval: "identity" },
});

export const longEntryPeriod: Factory<"activation", { rate?: number }> = definePlugin({
  name: "long-entry-period",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" || rate === 1 ? x.dropout(key, mode === "eval" ? 0 : rate) : x.mask(tiled(x, key, rate, 1000)),
});

export const weightPeriod: Factory<"weight", { rate?: number }> = definePlugin({
  name: "weight-period",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (x, { mode, key, options: { rate } }) =>
    mode === "eval" || rate === 1
      ? x.dropout(key, mode === "eval" ? 0 : rate)
      : x.mask(tiled(x.reshape([1, -1]), key, rate, 777).reshape(x.shape)),
});
