/** Binary cross-entropy of logits, for yes-or-no questions that do not exclude each other. @module */
import { z } from "zod";
import {
  definePlugin,
  type ExpectationForm,
  type Factory,
  type LossValue,
  type Moments,
  ShapeError,
  showShape,
  Tensor,
} from "../../core/mod.ts";
import { checkTargets, reduce, type ReductionOption, reductionSchema } from "./_reduction.ts";

/** Options of {@linkcode binaryCrossEntropy}. */
export interface BinaryCrossEntropyOptions extends ReductionOption {
  /** Factor of each output's positive part, above 0: one number, or one for each output. Default 1. */
  positiveWeight?: number | readonly number[];
}

/**
 * Mean of `-w t log sigmoid(x) - (1 - t) log(1 - sigmoid(x))` over the batch and the outputs. Outputs x `[batch, ...]`
 * are logits: no sigmoid before it. Targets t of the same shape lie in [0, 1]. The reported error is that of
 * `sigmoid(x)`.
 *
 * @example
 * ```ts
 * import { binaryCrossEntropy, lossOf, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(lossOf(binaryCrossEntropy(), Tensor.of([[0]]), Tensor.of([[1]])).item(), Math.log(2), 1e-6);
 * ```
 */
export const binaryCrossEntropy: Factory<"loss", BinaryCrossEntropyOptions> = definePlugin({
  name: "binary-cross-entropy",
  summary: "Mean cross-entropy of logits with yes-or-no targets.",
  options: z.object({
    positiveWeight: z.union([z.number().positive(), z.array(z.number().positive()).readonly()], {
      error: "expected a number above 0, or one for each output",
    }).default(1).describe("factor of each output's positive part"),
    reduction: reductionSchema,
  }),
  targets: "numbers",
  loss: (outputs, targets, options) => lossWith((x) => x.softplus(), outputs, targets, options),
  expected: ({ mean, variance }, targets, options, form) =>
    lossWith((x) => expectedSoftplus({ mean: x, variance }, form), mean, targets, options),
  prediction: (outputs) => outputs.sigmoid(),
});

/** The loss, or its expectation where `softplus` gives that of softplus. */
function lossWith(
  softplus: (x: Tensor) => Tensor,
  outputs: Tensor,
  targets: Tensor,
  { positiveWeight, reduction }: Required<BinaryCrossEntropyOptions>,
): LossValue {
  checkTargets("binary-cross-entropy", outputs, targets);
  if (positiveWeight === 1) return reduce(softplus(outputs).sub(outputs.mul(targets)), reduction);
  // -log sigmoid(x) = softplus(-x), and -log(1 - sigmoid(x)) = softplus(-x) + x: neither overflows.
  const weight = typeof positiveWeight === "number" ? positiveWeight : perOutput(positiveWeight, outputs);
  const positive = targets.mul(weight);
  const negative = targets.neg().add(1);
  return reduce(softplus(outputs.neg()).mul(positive.add(negative)).add(outputs.mul(negative)), reduction);
}

/**
 * The mean of `softplus(x)` for a normal x of mean m and variance v, after Wang and Manning, "Fast dropout training", ICML
 * 2013: with `k = (1 + pi v / 8)^-1/2` it is `softplus(k m) / k`, whose slope is the mean of the logistic function; as
 * `delta` it is `softplus(m) + v s (1 - s) / 2` with `s = sigmoid(m)`.
 */
function expectedSoftplus({ mean, variance }: Moments, form: ExpectationForm): Tensor {
  if (form === "delta") {
    const s = mean.sigmoid();
    return mean.softplus().add(s.sub(s.square()).mul(variance).mul(0.5));
  }
  const k = variance.mul(Math.PI / 8).add(1).pow(-0.5);
  return mean.mul(k).softplus().div(k);
}

function perOutput(weights: readonly number[], outputs: Tensor): Tensor {
  if (weights.length === outputs.shape[outputs.rank - 1]) {
    return Tensor.from(weights, [weights.length], outputs.floatType);
  }
  throw new ShapeError(
    `binary-cross-entropy: expected a positiveWeight for each output of ${showShape(outputs.shape)}, ` +
      `found ${weights.length}.`,
  );
}
