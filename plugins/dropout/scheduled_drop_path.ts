/**
 * ScheduledDropPath: paths of a cell are dropped with a rate that rises while training, and with depth.
 *
 * Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable Image Recognition", CVPR 2018, appendix
 * A.7. The paper says that the rate rises linearly over the course of training; the authors' program multiplies by depth
 * too, in its third version, which it uses: `rate_t = rate min(1, t / T) (cell + 1) / cells`. Both are offered.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, type Progress, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode scheduledDropPath}. */
export interface ScheduledDropPathOptions {
  /** Probability of dropping the path at the end, in the last cell, in [0, 1], or a schedule. Default 0.4. */
  rate?: Scheduled;
  /**
   * What the rate rises with: `time`, as in the paper (the program's v1); `depth` (v2); or `both` (v3, default): the product
   * of the two shares.
   */
  rises?: "time" | "depth" | "both";
  /** Number of the cell that the path belongs to, a whole number of at least 0 and below `cells`. Default 0. */
  cell?: number;
  /** Number of cells, those that reduce and the stem's included, a whole number of at least 1. Default 1. */
  cells?: number;
  /** How long the rise takes, in epochs, above 0. Default: the whole run. */
  over?: number;
}

type Resolved = Omit<Required<ScheduledDropPathOptions>, "rate" | "over"> & { rate: number; over?: number | undefined };

/** The rate at a point of training. */
function rateAt({ step, stepsPerEpoch, totalSteps }: Progress, options: Resolved): number {
  const { rate, rises, cell, cells, over } = options;
  const time = rises === "depth" ? 1 : Math.min(1, step / (over === undefined ? totalSteps : over * stepsPerEpoch));
  const depth = rises === "time" ? 1 : (cell + 1) / cells;
  return rate * time * depth;
}

const wholeFromZero = z.int("expected a whole number of at least 0").min(0, "expected a whole number of at least 0");

/**
 * ScheduledDropPath (Zoph et al., 2018), for a `branch` site. Each example draws for itself, and what is kept is divided by
 * the keep probability of the moment; evaluation keeps every path as it is. Dropped examples are not computed, unless a
 * layer of the path mixes examples. In the paper every operation of a cell has one, but for identities.
 *
 * At the beginning of training nothing is dropped (unless the rate `rises` with depth alone), nor by a run that does not say
 * how far it has come, such as `predict` with samples but without `progress`. At a rate of 1, reached at the end, nothing is
 * left, with zero gradients.
 *
 * When: in networks of many cells with parallel paths, such as NASNet, where a constant rate hurts.
 * Cost: less than none in training: dropped examples are not computed; none at evaluation.
 *
 * @example
 * ```ts
 * import { dense, relu, residual, scheduledDropPath, sequential } from "@thinned/dropout";
 *
 * const cells = 6;
 * sequential(Array.from({ length: cells }, (_, cell) =>
 *   residual(sequential([dense(64), relu()]), { branch: scheduledDropPath({ rate: 0.4, cell, cells }) })));
 * ```
 */
export const scheduledDropPath: Factory<"branch", ScheduledDropPathOptions> = definePlugin({
  name: "scheduled-drop-path",
  summary: "Drops paths with a rate that rises while training, and with depth.",
  paper: {
    authors: "Zoph, Vasudevan, Shlens, Le",
    year: 2018,
    title: "Learning Transferable Architectures for Scalable Image Recognition",
    url: "https://arxiv.org/abs/1707.07012",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.4).describe("probability of dropping the path at the end, in the last cell"),
    rises: z.enum(["time", "depth", "both"]).default("both").describe("what the rate rises with"),
    cell: wholeFromZero.default(0).describe("number of the cell, from 0"),
    cells: z.int("expected a whole number of at least 1").min(1, "expected a whole number of at least 1").default(1)
      .describe("number of cells"),
    over: z.number("expected a number above 0").positive("expected a number above 0").optional()
      .describe("epochs that the rise takes; default the whole run"),
  }).superRefine(({ cell, cells }, context) => {
    if (cell < cells) return;
    context.addIssue({
      code: "custom",
      path: ["cell"],
      message: `expected a whole number below cells, which is ${cells}`,
    });
  }),
  branch: { mask: ({ key, options, progress }) => ({ key, rate: rateAt(progress, options) }) },
  // With depth alone, in the last cell, it is stochastic depth; else the rate of the moment is less than `rate`.
  claims: ({ rises, cell, cells }) => ({
    mean: "kept",
    eval: "identity",
    ...(rises === "depth" && cell + 1 === cells ? {} : { dropped: "otherwise" }),
  }),
  // Rises that are over at once: a mean cannot be measured where something is dropped once in thousands of draws.
  cases: [
    { rises: "depth" },
    { rises: "depth", cell: 1, cells: 4 },
    { cell: 1, cells: 2, over: 1e-6 },
    { rises: "time", over: 1e-6 },
  ],
});
