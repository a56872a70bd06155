/** The product that dense layers share, with a variant at its weight. @module */
import { affine, type Context, type Plugin, type Tensor } from "../../core/mod.ts";

/**
 * `f(x W^T + b)`, with the weight passed through the variant at the layer's weight site, if there is one.
 *
 * @param context the layer's own context
 * @param variant what stands at the weight site
 * @param x `[batch, ..., inputs]`
 * @param weight `[units, inputs]`
 * @param bias `[units]`, or null
 */
export function product(
  context: Context<unknown>,
  variant: Plugin<"weight"> | undefined,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
): Tensor {
  if (variant?.definition.product !== undefined) {
    const y = context.serve("product", variant, [x, weight, bias], "weight");
    return context.epilogue === "none" || variant.definition.fuses ? y : y[context.epilogue]();
  }
  const used = variant === undefined ? weight : context.serve("weight", variant, [weight]);
  return affine(x, used, bias, context.epilogue);
}
