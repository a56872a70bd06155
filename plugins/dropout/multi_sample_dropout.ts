/**
 * Multi-sample dropout: many masks on the last features, which are computed once.
 *
 * Inoue, "Multi-Sample Dropout for Accelerated Training and Better Generalization", 2019, section 3: the dropout layer and
 * all behind it are duplicated M times, with shared weights and another mask each; the loss is the average of the M losses.
 * At inference there is one copy, without dropout.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, part, type Plugin } from "../../core/mod.ts";
import { single } from "./_passes.ts";

/** Options of {@linkcode multiSampleDropout}. */
export interface MultiSampleDropoutOptions {
  /** Number M of masks, a whole number in [1, 1000]. The paper uses 2 to 64. Default 8; 1 is the plain loss. */
  samples?: number;
  /**
   * The path of the layer with which the copies begin, such as `3`. Default: the last variant at a layer position, such as
   * the dropout before the classifier.
   */
  from?: string;
  /** The loss of each copy, on logits `[batch, ..., classes]`. Default: mean softmax cross-entropy with labels. */
  loss?: Plugin<"loss">;
}

/**
 * A loss that is averaged over many masks of the last dropout. The layers before it are run once a step, forward and backward,
 * under one set of masks; those from it on are run M times, each with masks of their own. The model is written as ever; at
 * evaluation it is one pass, and the loss of one pass.
 *
 * A model without a variant at a layer position is run M times as a whole, which is of use where its weights are dropped.
 *
 * When: with a large network below a small classifier, such as a convolutional one: fewer epochs for the same error.
 * Cost: the layers from the last dropout on take M times as long in training; those below are not computed again.
 *
 * @throws {OptionError} for a path at which the model has no layer
 *
 * @example
 * ```ts
 * import { dense, digits, dropout, fit, multiSampleDropout, relu, sequential, sgd } from "@thinned/dropout";
 *
 * await fit(sequential([dense(64), relu(), dropout({ rate: 0.5 }), dense(10)]), {
 *   data: digits({ train: 100, test: 100 }), loss: multiSampleDropout({ samples: 4 }),
 *   optimizer: sgd({ learningRate: 0.1 }), epochs: 1, batchSize: 50, seed: 1,
 * });
 * ```
 */
export const multiSampleDropout: Factory<"loss", MultiSampleDropoutOptions> = definePlugin({
  name: "multi-sample-dropout",
  summary: "A loss averaged over many masks on the last features, which are computed once.",
  paper: {
    authors: "Inoue",
    year: 2019,
    title: "Multi-Sample Dropout for Accelerated Training and Better Generalization",
    url: "https://arxiv.org/abs/1905.09788",
  },
  options: z.object({
    samples: z.int("expected a whole number in [1, 1000]").min(1, "expected a whole number in [1, 1000]")
      .max(1000, "expected a whole number in [1, 1000]").default(8).describe("number of masks"),
    from: z.string("expected the path of a layer").min(1, "expected the path of a layer").optional()
      .describe("the path of the layer with which the copies begin; default the last variant at a layer position"),
    loss: part("loss").optional().describe("the loss of each copy; default mean softmax cross-entropy"),
  }),
  loss: (outputs, targets, { loss }) => single(outputs, targets, loss),
  objective(forward, targets, { samples, from = null, loss }) {
    const values = Array.from({ length: samples }, (_, pass) => single(forward(pass, { from }), targets, loss));
    const sum = values.map((value) => value.sum).reduce((a, b) => a.add(b)).div(samples);
    return { sum, weight: values[0].weight };
  },
  prediction: (outputs, { loss }) => loss?.definition.prediction?.(outputs, loss.options) ?? outputs,
  cases: [{}, { samples: 2 }],
});
