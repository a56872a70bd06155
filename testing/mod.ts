/**
 * The exam of plugins: whether a variant keeps what the contract asks of all variants, and what it claims. A third
 * party's plugin passes the same exam as the built-in ones.
 *
 * Every plugin's options come back from JSON, and wrong ones are refused. A variant draws the same bits from the same
 * key and others from another; it drops something; its means are those that it claims; rates of 0 and 1 are finite
 * forward and backward; its gradient is that of what it computed, with the mask of the forward pass; evaluation draws
 * nothing; masks do not depend on the split of a batch; the native backend gives what the reference gives; and what
 * it saves is all it needs to go on.
 *
 * Shapes, sizes of batches, rates, points of training, and what is compared with what, follow at random from the exam's seed.
 * In many draws, at rates from 0.05 to 0.95 and in the modes `train` and `sample`, a variant drops as often as its rate says,
 * whatever the values that it sees; float32 draws and computes what float64 does; and entries, examples, steps and places of
 * a model are independent, without any period, but for what the variant says that they share: in its mask (`share`,
 * `group`), or as a claim (`draw`, `shares`). What is not claimed is `not verified`, not passed. A right variant fails an
 * exam by chance less than once in five million.
 *
 * @example
 * ```ts
 * import { definePlugin, type Factory, rateSchema } from "@thinned/dropout";
 * import { assertPasses } from "@thinned/dropout/testing";
 * import { z } from "zod";
 *
 * const coinDropout: Factory<"activation", { rate?: number }> = definePlugin({
 *   name: "coin-dropout",
 *   options: z.object({ rate: rateSchema.default(0.5) }),
 *   activation: (x, { mode, key, options }) => mode === "eval" ? x : x.dropout(key, options.rate),
 *   claims: { mean: "kept", variance: "multiplicative", eval: "identity" },
 * });
 * await assertPasses(coinDropout);
 * ```
 *
 * @module
 */
export { assertPasses, checkNames, ExamError, examine, type ExamineOptions } from "./examine.ts";
export type { Options } from "./rates.ts";
export { type Check, type CheckRecord, type Examination, type ExamRecord, examRecord } from "./report.ts";
export { checkGradient, type GradientCheckOptions, GradientError } from "./gradient_check.ts";
