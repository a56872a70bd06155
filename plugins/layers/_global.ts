/** What pooling over all places shares. @module */
import { z } from "zod";
import { ShapeError, showShape, sizeOf, type Tensor } from "../../core/mod.ts";

/** Options of pooling over all places. */
export interface GlobalPoolOptions {
  /** Whether the pooled axes stay, with extent 1. Default false. */
  keepAxes?: boolean;
}

/** The field of their schema. */
export const globalPoolFields: { keepAxes: z.ZodType<boolean, boolean | undefined> } = {
  keepAxes: z.boolean().default(false).describe("whether the pooled axes stay, with extent 1"),
};

/** Applies a reduction to all places of each channel. */
export function overPlaces(x: Tensor, keepAxes: boolean, reduce: (rows: Tensor) => Tensor): Tensor {
  const [batch, channels, ...places] = x.shape;
  if (places.length === 0) {
    throw new ShapeError(`expected an input [batch, channels, ...places], found ${showShape(x.shape)}.`);
  }
  const pooled = reduce(x.reshape([batch, channels, sizeOf(places)]));
  return keepAxes ? pooled.reshape([batch, channels, ...places.map(() => 1)]) : pooled;
}
