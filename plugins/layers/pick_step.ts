/** One step of a sequence. @module */
import { z } from "zod";
import { definePlugin, type Factory, ShapeError, showShape, type Tensor } from "../../core/mod.ts";

/** Options of {@linkcode pickStep}. */
export interface PickStepOptions {
  /** Which step: from 0, or from the end, -1 for the last. Default 0, where `classToken` puts its token. */
  step?: number;
}

function picked(x: Tensor, step: number): Tensor {
  const time = x.rank === 3 ? x.shape[1] : 0;
  const at = step < 0 ? time + step : step;
  if (x.rank !== 3 || at < 0 || at >= time) {
    throw new ShapeError(
      `pick-step: expected an input [batch, time, features] with the step ${step}, found ${showShape(x.shape)}.`,
    );
  }
  return x.slice([0, at, 0], [x.shape[0], at + 1, x.shape[2]]).reshape([x.shape[0], x.shape[2]]);
}

/**
 * One step of a sequence: `[batch, time, features]` to `[batch, features]`, such as the class token's, or the last one's.
 *
 * @example
 * ```ts
 * import { buildModel, pickStep, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(pickStep({ step: -1 }), { inputShape: [2, 1] });
 * assertEquals(model.forward(Tensor.of([[[3], [4]]])).toArray(), [[4]]);
 * ```
 */
export const pickStep: Factory<"layer", PickStepOptions> = definePlugin({
  name: "pick-step",
  summary: "One step of a sequence, such as the first or the last.",
  options: z.object({
    step: z.int("expected a whole number").default(0).describe("which step, from 0, or from the end, -1 for the last"),
  }),
  // A model for sequences of any length is built on one of a single step.
  forward: (x, { options: { step }, building }) => picked(x, building && x.shape[1] === 1 ? 0 : step),
  moments: ({ mean, variance }, { options: { step } }) => ({
    mean: picked(mean, step),
    variance: picked(variance, step),
  }),
});
