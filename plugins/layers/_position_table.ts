/** What layers of positions share. @module */
import { type LayerContext, type LayerPlugin, type Shape, ShapeError, showShape, type Tensor } from "../../core/mod.ts";

/**
 * `[time, features]` of an input's shape without its batch axis.
 *
 * @throws {ShapeError} when it is not a sequence
 */
export function sequenceShape(inputShape: Shape): [time: number, features: number] {
  if (inputShape.length !== 2) {
    throw new ShapeError(`expected an input [batch, time, features], found [batch, ...${showShape(inputShape)}].`);
  }
  return [inputShape[0], inputShape[1]];
}

/** The sum of an embedding and its positions, through the variant that stands there, if there is one. */
export function embeddingSum(
  context: LayerContext<{ dropout?: LayerPlugin }>,
  x: Tensor,
  positions: Tensor,
): Tensor {
  const sum = x.add(positions);
  const variant = context.options.dropout;
  return variant === undefined ? sum : context.run(variant, sum, "dropout");
}
