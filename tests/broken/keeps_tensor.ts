/** Broken: it adds a tensor that it kept from the step before. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../mod.ts";

export const fails: readonly string[] = ["nothing kept between steps"];

let zero: Tensor | undefined;

export const keepsTensor: Factory<"activation", { rate?: number }> = definePlugin({
  name: "keeps-tensor",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, key, options: { rate } }) {
    if (mode === "eval") return x;
    if (zero?.shape.join() !== x.shape.join() || zero.dtype !== x.dtype) zero = Tensor.zeros(x.shape, x.dtype);
    return x.add(zero).dropout(key, rate);
  },
  claims: { mean: "kept", eval: "identity" },
});
