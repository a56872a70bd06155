/** The Kullback-Leibler divergence of predicted from given distributions, for soft targets. @module */
import { z } from "zod";
import { definePlugin, type Factory } from "../../core/mod.ts";
import { checkTargets, type ReductionOption, reductionSchema, weighed } from "./_reduction.ts";

/** Options of {@linkcode klDivergence}. */
export interface KlDivergenceOptions extends ReductionOption {
  /** What the outputs are: logits, whose softmax is meant, or logarithms of probabilities. Default `logits`. */
  outputs?: "logits" | "log-probabilities";
  /** Whether the targets are logarithms of probabilities. Default false. */
  logTargets?: boolean;
}

/**
 * `sum_c t_c (log t_c - log p_c)` for each example, averaged over the batch (PyTorch's `batchmean`). Outputs and targets
 * `[batch, ..., classes]`; `0 log 0` is 0. The reported error is that of the probabilities.
 *
 * @example
 * ```ts
 * import { klDivergence, lossOf, Tensor } from "@thinned/dropout";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = lossOf(klDivergence(), Tensor.of([[0, 0]]), Tensor.of([[1, 0]]));
 * assertAlmostEquals(loss.item(), Math.log(2), 1e-6);
 * ```
 */
export const klDivergence: Factory<"loss", KlDivergenceOptions> = definePlugin({
  name: "kl-divergence",
  summary: "Kullback-Leibler divergence of predicted from given distributions.",
  options: z.object({
    outputs: z.enum(["logits", "log-probabilities"]).default("logits").describe("what the outputs are"),
    logTargets: z.boolean().default(false).describe("whether the targets are logarithms of probabilities"),
    reduction: reductionSchema,
  }),
  targets: "numbers",
  loss(outputs, targets, options) {
    checkTargets("kl-divergence", outputs, targets);
    const logP = options.outputs === "logits" ? outputs.logSoftmax() : outputs;
    const t = options.logTargets ? targets.exp() : targets;
    const logT = options.logTargets ? targets : targets.log();
    // A product with t, but exactly 0 where t is 0, whatever the logarithms are there.
    const sum = logT.sub(logP).mask(t).sum();
    return weighed(sum, outputs.shape[0], options.reduction);
  },
  prediction: (outputs, options) => options.outputs === "logits" ? outputs.softmax() : outputs.exp(),
});
