/** What is said of how a model learns. @module */
import type { GradientClipping, ParameterGroup } from "./optimizer.ts";
import type { Plugin } from "../plugin/plugin.ts";

/** How a model learns from batches. */
export interface LearningOptions {
  /** The loss. Default: mean softmax cross-entropy for classes, mean squared error for numbers. */
  loss?: Plugin<"loss">;
  /** The optimizer. */
  optimizer: Plugin<"optimizer">;
  /** Parts that each batch is run in, one after the other, to save memory; the masks are those of the whole. Default 1. */
  accumulate?: number;
  /** Limits on the gradients of a step. */
  clip?: GradientClipping;
  /** Parameters that are updated with other options of the optimizer. */
  parameterGroups?: readonly ParameterGroup[];
  /**
   * Parameters that stay as they are, for fine-tuning: regular expressions that the names of parameters and running state
   * are searched for, such as `^0\\.`; see {@linkcode Model.frozen}. They get neither gradients, updates, slots of the
   * optimizer nor decay, and batch norms among them use their running statistics. Default: none.
   */
  freeze?: readonly string[];
  /**
   * What owns the weights that are measured after each epoch, and that the model holds at the end, such as an average over
   * the steps. Default: they are those that are trained.
   */
  average?: Plugin<"average">;
  /** Another way to gradients than the loss's through the whole model. Default: none. */
  learning?: Plugin<"learning">;
}

/** The names of {@linkcode LearningOptions}. */
export const learningOptions: readonly (keyof LearningOptions)[] = [
  "loss",
  "optimizer",
  "accumulate",
  "clip",
  "parameterGroups",
  "freeze",
  "average",
  "learning",
];
