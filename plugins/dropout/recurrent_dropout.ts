/**
 * Recurrent dropout: what a step adds to the memory is dropped, the memory itself never.
 *
 * Semeniuta, Severyn, Barth, "Recurrent Dropout without Memory Loss", COLING 2016: an LSTM's cell becomes
 * `c_t = f c_{t-1} + i d(g_t)`, a GRU's state `h_t = (1 - z) d(g_t) + z h_{t-1}` (z as PyTorch has it, which is the
 * paper's 1 - z), with dropout d on the candidate g_t. A plain recurrent layer has no memory beside its state: there the
 * paper drops the state on its way into the product, `h_t = f(W x_t + U d(h_{t-1}))`.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode recurrentDropout}. */
export interface RecurrentDropoutOptions {
  /** Probability of dropping a candidate's unit, in [0, 1], or a schedule. Default 0.25. */
  rate?: Scheduled;
  /** How long a mask holds: one `step` (default), or the whole `sequence`. */
  per?: "step" | "sequence";
  /**
   * `inverted` (default): kept units are divided by the keep probability in training, and evaluation is the identity.
   * `classic`, as in the paper: no scaling in training; at evaluation units are multiplied by the keep probability.
   */
  convention?: "inverted" | "classic";
  /**
   * What is dropped: the `candidate` of an LSTM or GRU, or `previous-hidden`, the state on its way into the product. Default:
   * the candidate where the layer has one, which `rnn` has not.
   */
  place?: "candidate" | "previous-hidden";
}

/**
 * Recurrent dropout (Semeniuta et al., 2016), for the recurrent site of `lstm`, `gru` and, in its form for a plain layer,
 * `rnn`.
 *
 * A GRU's reset gate acts inside of the candidate, so it is dropped with it. A dropped unit keeps what it remembers, less
 * what its gates forget: with open gates, T steps and no scaling an LSTM's cell has the mean q T and the variance
 * `T q (1 - q)` with a mask a step, `T^2 q (1 - q)` with a mask a sequence. Each example has masks of its own, and each
 * layer and direction.
 *
 * A rate of 0 is the identity; a rate of 1 gives a candidate of zeros with zero gradients.
 *
 * When: an LSTM or GRU overfits and must remember over many steps; it goes together with dropout between layers.
 * Cost: steps run one by one, no longer fused; the draws are one number a unit and step, and no memory.
 *
 * @example
 * ```ts
 * import { buildModel, lstm, recurrentDropout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(lstm(8, { recurrent: recurrentDropout({ rate: 1 }) }), { inputShape: [5, 3] });
 * const y = model.forward(Tensor.ones([2, 5, 3]), { mode: "train", step: 0 });
 * assertEquals(y.toArray(), Tensor.zeros([2, 5, 8]).toArray()); // nothing was ever added to the memory
 * ```
 */
export const recurrentDropout: Factory<"recurrent", RecurrentDropoutOptions> = definePlugin({
  name: "recurrent-dropout",
  summary: "Drops what a step of an LSTM or GRU adds to its memory, and never the memory.",
  paper: {
    authors: "Semeniuta, Severyn, Barth",
    year: 2016,
    title: "Recurrent Dropout without Memory Loss",
    url: "https://arxiv.org/abs/1603.05118",
  },
  options: z.object({
    rate: scheduled(rateSchema).default(0.25).describe("probability of dropping a candidate's unit, in [0, 1]"),
    per: z.enum(["step", "sequence"]).default("step").describe("how long a mask holds"),
    convention: z.enum(["inverted", "classic"]).default("inverted").describe("where the scaling happens"),
    place: z.enum(["candidate", "previous-hidden"]).optional()
      .describe("what is dropped; default the candidate where the layer has one"),
  }),
  places({ rate, convention, place }, mode, has) {
    if (rate === 0 || (mode === "eval" && convention === "inverted")) return [];
    return [place ?? (has === undefined || has.includes("candidate") ? "candidate" : "previous-hidden")];
  },
  recurrent: {
    mask({ key, options: { rate, per, convention } }, { time }) {
      const draw = { key: per === "step" ? key.later(time) : key, rate };
      return convention === "classic" ? { ...draw, a: 1, eval: "mean" } : draw;
    },
  },
  claims: ({ per, convention }) => ({
    ...(convention === "classic"
      ? { mean: "reduced", eval: "scaled" }
      : { mean: "kept", variance: "multiplicative", eval: "identity" }),
    ...(per === "sequence" ? { shares: ["time"] } : {}),
  }),
  cases: [{}, { per: "sequence" }, { convention: "classic" }, { place: "previous-hidden" }],
});
