/**
 * R-Drop: two passes with other masks are to agree.
 *
 * Liang, Wu, Li, Wang, Wang, Chen, Liu, Zhang, "R-Drop: Regularized Dropout for Neural Networks", NeurIPS 2021, equations
 * (1) to (3): the mean of the losses of two passes, plus `alpha (KL(P1 || P2) + KL(P2 || P1)) / 2` between their
 * predictions.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, part, type Plugin, type Tensor } from "../../core/mod.ts";
import { rowsOf, single } from "./_passes.ts";

/** Options of {@linkcode rDrop}. */
export interface RDropOptions {
  /** Weight of the disagreement, at least 0. The paper uses 1 to 5. Default 1. */
  alpha?: number;
  /** The loss of each pass, on logits `[batch, ..., classes]`. Default: mean softmax cross-entropy with labels. */
  loss?: Plugin<"loss">;
}

/** `KL(P1 || P2) + KL(P2 || P1)` of softmax along the last axis, averaged over all rows of the batch. */
function disagreement(first: Tensor, second: Tensor): Tensor {
  const [log1, log2] = [first.logSoftmax(), second.logSoftmax()];
  const sum = log1.exp().sub(log2.exp()).mul(log1.sub(log2)).sum();
  return sum.div(rowsOf(first));
}

/**
 * A loss that runs each batch twice in training, with independent masks, and asks for equal predictions. At evaluation it is
 * the loss of one pass. A step takes about twice as long. Without dropout both passes agree, and it is the plain loss.
 *
 * The disagreement is averaged over the rows that are run at once. Where a batch is run in parts and the loss weighs or
 * ignores labels, that is over each part, with the part's weight.
 *
 * When: fine-tuning and training of models that have dropout already and can afford a second pass.
 * Cost: twice a step's time and memory, and the divergence of the outputs. Nothing at evaluation.
 *
 * @example
 * ```ts
 * import { crossEntropy, dense, digits, dropout, fit, rDrop, relu, sequential, sgd } from "@thinned/dropout";
 *
 * await fit(sequential([dense(32), relu(), dropout({ rate: 0.3 }), dense(10)]), {
 *   data: digits({ train: 100, test: 100 }), loss: rDrop({ alpha: 2, loss: crossEntropy({ labelSmoothing: 0.1 }) }),
 *   optimizer: sgd({ learningRate: 0.1 }), epochs: 1, batchSize: 50, seed: 1,
 * });
 * ```
 */
export const rDrop: Factory<"loss", RDropOptions> = definePlugin({
  name: "r-drop",
  summary: "A loss of two passes with other masks that are to agree.",
  paper: {
    authors: "Liang, Wu, Li, Wang, Wang, Chen, Liu, Zhang",
    year: 2021,
    title: "R-Drop: Regularized Dropout for Neural Networks",
    url: "https://arxiv.org/abs/2106.14448",
  },
  options: z.object({
    alpha: z.number("expected a number of at least 0").min(0, "expected a number of at least 0").default(1)
      .describe("weight of the disagreement"),
    loss: part("loss").optional().describe("the loss of each pass; default mean softmax cross-entropy"),
  }),
  targets: "classes",
  loss: (outputs, targets, { loss }) => single(outputs, targets, loss),
  objective(forward, targets, { alpha, loss }) {
    const [first, second] = [forward(0), forward(1)];
    const [one, two] = [single(first, targets, loss), single(second, targets, loss)];
    const sum = one.sum.add(two.sum).mul(0.5);
    if (alpha === 0) return { sum, weight: one.weight };
    // The driver divides the sum by the weight of the whole batch: each row's disagreement counts as much as its losses.
    const apart = disagreement(first, second).mul(alpha / 2 * (one.weight ?? rowsOf(first)));
    return { sum: sum.add(apart), weight: one.weight };
  },
});
