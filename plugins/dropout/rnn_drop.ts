/**
 * RNNDrop: units of an LSTM's memory are dropped, the same ones at every step of a sequence.
 *
 * Moon, Choi, Lee, Song, "RNNDROP: A Novel Dropout for RNNs in ASR", ASRU 2015: `c_t = m (f_t c_{t-1} + i_t g_t)` with
 * one mask m a sequence; the cell is stored masked, and `h_t = o_t tanh(c_t)`. Nothing is divided in training; at test
 * time the mask is replaced by the keep probability.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode rnnDrop}. */
export interface RnnDropOptions {
  /** Probability of dropping a unit of the memory, in [0, 1], or a schedule. Default 0.25. */
  rate?: Scheduled;
  /** How long a mask holds: the whole `sequence` (default, as in the paper), or one `step`, for comparison. */
  per?: "sequence" | "step";
}

/**
 * RNNDrop (Moon et al., 2015), for the recurrent site of `lstm`; in `gru` and `rnn`, of which the paper does not speak, the
 * hidden state is the memory and is dropped in the same way.
 *
 * A unit that is dropped holds 0 for the whole sequence and gives 0, so with the mask held the layer is the smaller one
 * without that unit. Kept units are not scaled: dividing the stored cell would multiply what it remembers anew at every
 * step. Evaluation, by the paper's rule, multiplies the new cell by the keep probability q at every step, so that a
 * memory fades as q^T over T steps, as it does in training with `per: "step"`; with open gates the cell then tends to
 * `q (1 - q^T) / (1 - q)`. The mean over passes in mode `sample` has no such fading. Each example has a mask of its own,
 * and each layer and direction.
 *
 * A rate of 0 is the identity; a rate of 1 gives zeros with zero gradients.
 *
 * When: sequences are short and an LSTM overfits; where much must be remembered, `recurrentDropout` is kinder.
 * Cost: steps run one by one, no longer fused; the draws cost one number a unit, and no memory.
 *
 * @example
 * ```ts
 * import { buildModel, lstm, rnnDrop, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(lstm(8, { recurrent: rnnDrop({ rate: 0.5 }) }), { inputShape: [3, 2] });
 * const [steps] = model.forward(Tensor.ones([1, 3, 2]), { mode: "train", step: 0 }).toArray() as number[][][];
 * const dropped = steps.map((step) => step.map((value) => value === 0));
 * assertEquals(dropped[2], dropped[0]);
 * ```
 */
export const rnnDrop: Factory<"recurrent", RnnDropOptions> = definePlugin({
  name: "rnn-drop",
  summary: "Drops units of an LSTM's memory, the same ones at every step of a sequence.",
  paper: {
    authors: "Moon, Choi, Lee, Song",
    year: 2015,
    title: "RNNDROP: A Novel Dropout for RNNs in ASR",
    url: "https://doi.org/10.1109/ASRU.2015.7404775",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.25).describe("probability of dropping a unit of the memory, in [0, 1]"),
    per: z.enum(["sequence", "step"]).default("sequence").describe("how long a mask holds"),
  }),
  places({ rate }, _mode, has) {
    if (rate === 0) return [];
    return [has === undefined || has.includes("cell") ? "cell" : "hidden"];
  },
  recurrent: {
    mask: ({ key, options: { rate, per } }, { time }) => ({
      key: per === "step" ? key.later(time) : key,
      rate,
      a: 1,
      eval: "mean",
    }),
  },
  claims: ({ per }) => ({ mean: "reduced", eval: "scaled", ...(per === "sequence" ? { shares: ["time"] } : {}) }),
  cases: [{}, { per: "step" }],
});
