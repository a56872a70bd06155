/** The layer norm inside the transformer's blocks. @module */
import { z } from "zod";
import { definePlugin, type Factory, normalize, Tensor } from "../../core/mod.ts";

/** Ba, Kiros, Hinton, "Layer Normalization" (2016), over the last axis. Parameters: `weight`, `bias`, `[features]`. */
export const layerNorm: Factory<"layer", { epsilon?: number }> = definePlugin({
  name: "layer-norm",
  options: z.object({ epsilon: z.number().positive().default(1e-5) }),
  init: ({ inputShape, dtype }) => ({
    params: { weight: Tensor.ones([inputShape.at(-1)!], dtype), bias: Tensor.zeros([inputShape.at(-1)!], dtype) },
  }),
  forward: (x, { params, options: { epsilon } }) =>
    normalize(x, { over: "trailing", scale: params.weight, shift: params.bias, epsilon }).output,
});
