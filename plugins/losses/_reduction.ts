/** What losses share: how the batch becomes one number, and the check of the targets' shape. @module */
import { z } from "zod";
import { type LossValue, sameShape, ShapeError, showShape, type Tensor } from "../../core/mod.ts";

/** How the losses of a batch become one number. */
export type Reduction = "mean" | "sum";

/** Option of losses that can be averaged or added up. */
export interface ReductionOption {
  /** `mean` or `sum` of the losses of a batch. Default `mean`. */
  reduction?: Reduction;
}

/** Validates a {@linkcode Reduction}. */
export const reductionSchema: z.ZodType<Reduction, Reduction | undefined> = z.enum(["mean", "sum"]).default("mean")
  .describe("whether the losses of a batch are averaged or added up");

/** The losses of all entries, to be divided by their number unless they are only added up. */
export function reduce(losses: Tensor, reduction: Reduction): LossValue {
  return weighed(losses.sum(), losses.size, reduction);
}

/** A sum of losses and its weight, which counts unless they are only added up. */
export function weighed(sum: Tensor, weight: number, reduction: Reduction): LossValue {
  return { sum, weight: reduction === "sum" ? null : weight };
}

/**
 * Throws unless targets have the outputs' shape.
 *
 * @param loss the loss's name, for the message
 */
export function checkTargets(loss: string, outputs: Tensor, targets: Tensor): void {
  if (sameShape(outputs.shape, targets.shape)) return;
  throw new ShapeError(
    `${loss}: expected targets of the outputs' shape ${showShape(outputs.shape)}, found ${showShape(targets.shape)}.`,
  );
}
