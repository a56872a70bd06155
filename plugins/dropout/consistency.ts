/**
 * Consistency of two passes: predictions under two masks are to agree.
 *
 * Laine, Aila, "Temporal Ensembling for Semi-Supervised Learning", ICLR 2017, section 2.1 (the Pi-model): two passes over
 * each batch with other masks, whose squared difference is added to the loss of the first, with a weight that rises.
 * The difference has the form of Tarvainen, Valpola, "Mean teachers are better role models", NeurIPS 2017: between softmax
 * outputs, averaged over classes and rows: `weight mean_i mean_c (softmax(z_i)_c - softmax(z'_i)_c)^2`.
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  part,
  type Plugin,
  type Scheduled,
  scheduled,
  type Tensor,
} from "../../core/mod.ts";
import { rowsOf, single } from "./_passes.ts";

/** Options of {@linkcode consistency}. */
export interface ConsistencyOptions {
  /**
   * Factor of the squared difference, at least 0, or a schedule such as `rampUp({ to: 100, over: 5 })`, without which training
   * may settle where both passes agree on nothing. Default 100, as in the paper on mean teachers.
   */
  weight?: Scheduled;
  /**
   * Whether the second pass is a teacher, which gets no gradient, as in the form of mean teacher; else both passes do, as in
   * the Pi-model. Default false.
   */
  teacher?: boolean;
  /** The loss of the first pass, on logits `[batch, ..., classes]`. Default: mean softmax cross-entropy with labels. */
  loss?: Plugin<"loss">;
}

/** The squared difference of softmax outputs along the last axis, averaged over classes and rows. */
function difference(first: Tensor, second: Tensor): Tensor {
  return first.softmax().sub(second.softmax()).square().sum().div(Math.max(1, first.size));
}

/**
 * A loss that runs each batch twice in training, with independent masks, and asks for equal probabilities. At evaluation it is
 * the loss of one pass; without dropout it is so in training, too. Examples whose labels the wrapped loss ignores are to be
 * consistent all the same, so a batch may be labelled in part:
 * `consistency({ loss: crossEntropy({ ignoreIndex: -1 }) })`.
 *
 * The difference is averaged over the rows that are run at once. Where a batch is run in parts and the loss weighs or
 * ignores labels, that is over each part, with the part's weight.
 *
 * When: with few labels and much that is unlabelled; with noise in the inputs (augmentations differ by step, masks by pass).
 * Cost: a training step takes about twice as long, and twice the memory of activations.
 *
 * @example
 * ```ts
 * import { consistency, dense, digits, dropout, fit, rampUp, relu, sequential, sgd } from "@thinned/dropout";
 *
 * await fit(sequential([dense(32), relu(), dropout({ rate: 0.3 }), dense(10)]), {
 *   data: digits({ train: 100, test: 100 }), loss: consistency({ weight: rampUp({ to: 10, over: 2 }) }),
 *   optimizer: sgd({ learningRate: 0.1 }), epochs: 3, batchSize: 50, seed: 1,
 * });
 * ```
 */
export const consistency: Factory<"loss", ConsistencyOptions> = definePlugin({
  name: "consistency",
  summary: "A loss of two passes whose probabilities are to agree, by their squared difference.",
  paper: {
    authors: "Laine, Aila",
    year: 2017,
    title: "Temporal Ensembling for Semi-Supervised Learning",
    url: "https://arxiv.org/abs/1610.02242",
  },
  options: z.object({
    weight: scheduled(z.number("expected a number of at least 0").min(0, "expected a number of at least 0")).default(
      100,
    )
      .describe("factor of the squared difference, or a schedule"),
    teacher: z.boolean().default(false).describe("whether the second pass gets no gradient"),
    loss: part("loss").optional().describe("the loss of the first pass; default mean softmax cross-entropy"),
  }),
  targets: "classes",
  loss: (outputs, targets, { loss }) => single(outputs, targets, loss),
  objective(forward, targets, { weight, teacher, loss }) {
    const [first, second] = [forward(0), forward(1)];
    const one = single(first, targets, loss);
    if (weight === 0) return one;
    const apart = difference(first, teacher ? second.detach() : second).mul(weight);
    // In a batch without labels nothing is divided: the difference is a mean already.
    if (one.weight === 0) return { sum: one.sum.add(apart), weight: null };
    // The driver divides the sum by the weight of the whole batch: each row's difference counts as much as its losses.
    return { sum: one.sum.add(apart.mul(one.weight ?? rowsOf(first))), weight: one.weight };
  },
  claims: ({ teacher }) => teacher ? { gradient: "surrogate" } : {},
  cases: [{}, { weight: 1 }],
});
