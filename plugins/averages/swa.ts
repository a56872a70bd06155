/**
 * Stochastic weight averaging: the plain mean of the weights along the end of a run.
 *
 * Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, "Averaging Weights Leads to Wider Optima and Better Generalization", UAI
 * 2018, algorithm 1.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";

/** Options of {@linkcode swa}. */
export interface SwaOptions {
  /** Epochs before the first weights that count, at least 0; fractions are rounded up to whole steps. Default 0. */
  from?: number;
  /** How often weights are taken up: at the end of each `epoch`, as in the paper, or after each `step`. Default `epoch`. */
  every?: "epoch" | "step";
}

/** How many weights the mean is of after a number of updates, and whether the last update added one. */
function taken(iteration: number, stepsPerEpoch: number, { from, every }: Required<SwaOptions>): [number, boolean] {
  const length = every === "epoch" ? stepsPerEpoch : 1;
  const before = Math.floor(Math.ceil(from * stepsPerEpoch) / length);
  return [Math.max(0, Math.floor(iteration / length) - before), iteration % length === 0];
}

/**
 * The mean of the weights at the end of each epoch, or after each step, from some epoch on. Before there are any,
 * evaluation uses the weights themselves. The learning rate should stay up while weights are taken: see the paper.
 *
 * Running state, such as batch norm's, is that of the weights themselves, not measured anew for the mean.
 *
 * @example
 * ```ts
 * import { dense, digits, fit, sgd, swa } from "@thinned/dropout";
 *
 * const data = digits({ train: 100, test: 50 });
 * await fit(dense(10), { data, optimizer: sgd(), average: swa({ from: 1 }), epochs: 3 });
 * ```
 */
export const swa: Factory<"average", SwaOptions> = definePlugin({
  name: "swa",
  summary: "The mean of the weights along the end of a run, for evaluation.",
  paper: {
    authors: "Izmailov, Podoprikhin, Garipov, Vetrov, Wilson",
    year: 2018,
    title: "Averaging Weights Leads to Wider Optima and Better Generalization",
    url: "https://arxiv.org/abs/1803.05407",
  },
  options: z.object({
    from: z.number("expected a number of at least 0").min(0, "expected a number of at least 0").default(0)
      .describe("epochs before the first weights that count"),
    every: z.enum(["epoch", "step"]).default("epoch").describe("how often weights are taken up"),
  }),
  slots: () => ["mean"],
  track({ parameter, slots: { mean }, options, iteration, progress }) {
    const [count, now] = taken(iteration, progress.stepsPerEpoch, options);
    if (now && count > 0) mean.assign(mean.add(parameter.sub(mean).mul(1 / count)));
  },
  weights({ parameter, slots: { mean }, options, iteration, progress }) {
    const [count] = taken(iteration, progress.stepsPerEpoch, options);
    return count === 0 ? parameter : mean;
  },
});
