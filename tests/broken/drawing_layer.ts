/** A layer that draws: its evaluation does too, and its batch shares what its claim says each example has. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../mod.ts";

/** The checks that fail it. */
export const fails = ["other sample, other bits", "evaluation"];

/** Means of pairs in which one of the two is dropped, the same of all pairs and examples. */
export const drawingLayer: Factory<"layer", { rate?: number }> = definePlugin({
  name: "drawing-layer",
  options: z.object({ rate: rateSchema.default(0.5) }),
  forward(x, { key, options: { rate } }) {
    const pairs = x.reshape([...x.shape.slice(0, -1), x.shape[x.rank - 1] / 2, 2]);
    return pairs.mask(Tensor.bernoulli([1, 2], key.shared(), rate, 1, x.floatType)).mean(-1);
  },
  claims: { draw: "sample" },
});
