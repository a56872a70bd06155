/** The product that dense layers and convolutions share, with a variant at its weight. @module */
import { affine, isPlugin, type LayerContext, type Multiply, part, type Plugin, type Tensor } from "../../core/mod.ts";
import type { z } from "zod";

/** What can stand at the weight of a product: a variant of the weight, or one that takes the whole product. */
export type WeightVariant = Plugin<"weight"> | Plugin<"product">;

/** An option that is a {@linkcode WeightVariant}. */
export function weightPart(): z.ZodType<WeightVariant, WeightVariant> {
  return part("weight", "product") as unknown as z.ZodType<WeightVariant, WeightVariant>;
}

/**
 * `f(x W^T + b)`, with the weight passed through the variant at the layer's weight site, if there is one.
 *
 * @param context the layer's own context
 * @param variant what stands at the weight site
 * @param x `[batch, ..., inputs]`
 * @param weight `[units, inputs]`
 * @param bias `[units]`, or null
 * @param name the variant's name under the layer's path
 * @param multiply the layer's linear map for any input, weight, bias and activation. Default: that of a dense layer
 */
export function product(
  context: LayerContext<unknown>,
  variant: WeightVariant | undefined,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  name = "weight",
  multiply?: Multiply,
): Tensor {
  if (isPlugin(variant, "product")) {
    const y = context.serve("product", variant, [x, weight, bias, multiply], name);
    return context.epilogue === "none" || variant.definition.fuses ? y : y[context.epilogue]();
  }
  const used = variant === undefined ? weight : context.serve("weight", variant, [weight], name);
  return (multiply ?? affine)(x, used, bias, context.epilogue, context.foresee, context.ahead);
}
