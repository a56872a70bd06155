/** What the variants with a learned posterior over weights share: how strongly its divergence from the prior counts. @module */
import { z } from "zod";
import { type Context, OptionError, type Scheduled, scheduled, type Shape, type Tensor } from "../../core/mod.ts";

/** Options that say how strongly the divergence counts. */
export interface DivergenceOptions {
  /**
   * Factor of the Kullback-Leibler divergence, at least 0, or a schedule: `warmUp(1, { over: 10 })` lets it rise from 0 over
   * the first epochs. Default 1, the variational bound.
   */
  klWeight?: Scheduled;
  /**
   * Number of training examples, at least 1, by which the divergence is divided, since it stands beside the mean loss of an
   * example. Default: as the run says; a loop of one's own has to give it.
   */
  examples?: number;
}

/** The fields of {@linkcode DivergenceOptions} in a schema. */
export const divergenceFields: {
  readonly klWeight: z.ZodType<number, Scheduled | undefined>;
  readonly examples: z.ZodType<number | undefined, number | undefined>;
} = {
  klWeight: scheduled(z.number("expected a number of at least 0").min(0, "expected a number of at least 0")).default(1)
    .describe("factor of the Kullback-Leibler divergence, at least 0"),
  examples: z.number("expected a number of at least 1").min(1, "expected a number of at least 1").optional()
    .describe("number of training examples; default as the run says"),
};

/** What a divergence is multiplied by, to stand beside the mean loss of an example. */
export function divergenceFactor({ options, progress }: Context<{ klWeight: number; examples?: number | undefined }>) {
  const examples = options.examples ?? progress.examples;
  if (examples === undefined) {
    throw new OptionError("examples", "the number of training examples, which this pass does not know", examples);
  }
  return options.klWeight / examples;
}

/** Whose weights share one number, by the axes of a weight `[units, inputs, ...kernel]`. */
export type Sharing = "layer" | "unit" | "input" | "weight";

/** The shape of one number for each group of weights, which stretches to the weight's. */
export function sharedShape(weight: Shape, per: Sharing): Shape {
  if (per === "weight") return weight;
  const kept = per === "unit" ? 0 : per === "input" ? 1 : -1;
  return weight.map((extent, axis) => axis === kept ? extent : 1);
}

/** The sum over a weight's entries of numbers that groups of them share. */
export function sumOverWeights(shared: Tensor, weight: Tensor): Tensor {
  const total = shared.sum();
  return shared.size === weight.size ? total : total.mul(weight.size / shared.size);
}
