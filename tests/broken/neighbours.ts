/** Broken: entries 2k and 2k + 1 of the last axis share a draw, and it does not say so. @module */
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

export const fails: readonly string[] = ["independent entries"];

/** A mask with one draw for two entries. */
function paired(x: Tensor, key: Key, rate: number): Tensor {
  const columns = x.shape[x.rank - 1];
  const half = [...x.shape.slice(0, -1), Math.ceil(columns / 2)];
  const drawn = Tensor.bernoulli(half, key, rate, 1 / keepProbability(rateThreshold(rate)), x.floatType);
  const twice = noGrad(() =>
    drawn.expandAxis(x.rank).broadcastTo([...half, 2]).reshape([...half.slice(0, -1), 2 * half[half.length - 1]])
  );
  return noGrad(() => twice.slice(x.shape.map(() => 0), x.shape));
}

export const neighbours: Factory<"activation", { rate?: number }> = definePlugin({
  name: "neighbours",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation: (x, { mode, key, options: { rate } }) =>
    mode === "eval" || rate === 1 ? x.dropout(key, mode === "eval" ? 0 : rate) : x.mask(paired(x, key, rate)),
  claims: { mean: "kept", eval: "identity" },
});

export const neighboursInAttention: Factory<"attention", { rate?: number }> = definePlugin({
  name: "neighbours-in-attention",
  options: z.object({ rate: rateSchema.default(0.5) }),
  attention: (x, _stage, { mode, key, options: { rate } }) =>
    mode === "eval" || rate === 1 ? x.dropout(key, mode === "eval" ? 0 : rate) : x.mask(paired(x, key, rate)),
});
