/** Broken, at a product: training has one more axis than evaluation. @module */
import { z } from "zod";
import { affine, definePlugin, type Factory, rateSchema } from "../../mod.ts";

export const fails: readonly string[] = ["shape"];

export const productShape: Factory<"weight" | "product", { rate?: number }> = definePlugin({
  name: "product-shape",
  options: z.object({ rate: rateSchema.default(0.5) }),
  weight: (weight, { mode, key, options: { rate } }) => mode === "eval" ? weight : weight.dropout(key, rate),
  product(x, weight, bias, { mode, key, options: { rate } }) {
    const y = affine(x, weight, bias);
    return mode === "eval" ? y : y.dropout(key, rate).expandAxis(y.rank);
  },
});
