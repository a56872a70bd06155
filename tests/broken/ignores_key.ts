/** Broken: it draws from Math.random. @module */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, Tensor } from "../../mod.ts";

export const fails: readonly string[] = [
  "same key, same bits",
  "split of the batch",
  "Monte Carlo passes",
  "gradient",
  "saved and resumed",
  "nothing kept between steps",
];

export const ignoresKey: Factory<"activation", { rate?: number }> = definePlugin({
  name: "ignores-key",
  options: z.object({ rate: rateSchema.default(0.5) }),
  activation(x, { mode, options: { rate } }) {
    if (mode === "eval") return x;
    if (rate === 1) return x.mask(Tensor.zeros(x.shape, x.dtype));
    const keep = Array.from({ length: x.size }, () => Math.random() < rate ? 0 : 1 / (1 - rate));
    return x.mask(Tensor.from(keep, x.shape, x.dtype));
  },
  claims: { mean: "kept", eval: "identity" },
});
