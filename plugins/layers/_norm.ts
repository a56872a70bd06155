/** Layer normalisation composed of elementary ops. @module */
import { z } from "zod";
import { definePlugin, type Factory, Tensor } from "../../core/mod.ts";

/** Ba, Kiros, Hinton (2016), over the last axis. */
export const layerNorm: Factory<"layer", { epsilon?: number }> = definePlugin({
  name: "layer-norm",
  options: z.object({ epsilon: z.number().positive().default(1e-5) }),
  init: ({ inputShape, dtype }) => ({
    params: { weight: Tensor.ones([inputShape.at(-1)!], dtype), bias: Tensor.zeros([inputShape.at(-1)!], dtype) },
  }),
  forward(x, { params, options }) {
    const centered = x.sub(x.mean(-1, true));
    const deviation = centered.square().mean(-1, true).add(options.epsilon).sqrt();
    return centered.div(deviation).mul(params.weight).add(params.bias);
  },
});
