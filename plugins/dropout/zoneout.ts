/**
 * Zoneout: units of a recurrent state keep their previous value at random.
 *
 * Krueger, Maharaj, Kramar, Pezeshki, Ballas, Ke, Goyal, Bengio, Courville, Pal, "Zoneout: Regularizing RNNs by Randomly
 * Preserving Hidden Activations", ICLR 2017, section 3: `c_t = d c_{t-1} + (1 - d) (f c_{t-1} + i g)` and
 * `h_t = d' h_{t-1} + (1 - d') (o tanh(f c_{t-1} + i g))`, with `d ~ Bernoulli(z_c)` and `d' ~ Bernoulli(z_h)`, anew at
 * every step; at test time the masks are replaced by their expectations.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rateSchema, type Scheduled, scheduled } from "../../core/mod.ts";

/** Options of {@linkcode zoneout}. Both rates are probabilities of KEEPING THE PREVIOUS value, not of updating. */
export interface ZoneoutOptions {
  /**
   * z_c: probability that a unit of the cell state keeps its previous value, in [0, 1], or a schedule. Default 0.5, as in
   * the paper for Penn Treebank. Only an LSTM has a cell state.
   */
  cell?: Scheduled;
  /**
   * z_h: probability that a unit of the hidden state keeps its previous value, in [0, 1], or a schedule. Default 0.05, as
   * in the paper for Penn Treebank.
   */
  hidden?: Scheduled;
}

/**
 * Zoneout (Krueger et al., 2017), for the recurrent site of `lstm`, `gru` and `rnn`.
 *
 * A rate is the probability that a unit **keeps its previous value**: 0 is the ordinary layer, and at 1 the state never
 * leaves its initial value. (Some published programs take the probability of updating.) Nothing is divided by a keep
 * probability; evaluation uses the expectation, `z previous + (1 - z) new`. An LSTM's hidden state is computed from the
 * new cell state, before that is zoned out, as in the paper.
 *
 * When: LSTMs and GRUs over long sequences, whose gradients dropout of the state would cut.
 * Cost: a draw and a choice for each unit and step; steps run one by one, no longer fused, in training and at evaluation.
 *
 * @example
 * ```ts
 * import { buildModel, lstm, Tensor, zoneout } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(lstm(8, { recurrent: zoneout({ cell: 0.5, hidden: 1 }) }), { inputShape: [5, 3] });
 * const y = model.forward(Tensor.ones([2, 5, 3]), { mode: "train", step: 0 });
 * assertEquals(y.toArray(), Tensor.zeros([2, 5, 8]).toArray()); // the hidden state keeps its first value, 0
 * ```
 */
export const zoneout: Factory<"recurrent", ZoneoutOptions> = definePlugin({
  name: "zoneout",
  summary: "Units of a recurrent state keep their previous value at random.",
  paper: {
    authors: "Krueger, Maharaj, Kramar, Pezeshki, Ballas, Ke, Goyal, Bengio, Courville, Pal",
    year: 2017,
    title: "Zoneout: Regularizing RNNs by Randomly Preserving Hidden Activations",
    url: "https://arxiv.org/abs/1606.01305",
  },
  options: z.object({
    cell: scheduled(rateSchema).default(0.5).describe("probability that a cell unit keeps its previous value"),
    hidden: scheduled(rateSchema).default(0.05).describe("probability that a hidden unit keeps its previous value"),
  }),
  places: (
    { cell, hidden },
  ) => [...(cell > 0 ? ["carried-cell"] as const : []), ...(hidden > 0 ? ["hidden"] as const : [])],
  recurrent: {
    mask({ key, options }, { place, time, previous }) {
      if (previous === null) return null;
      const rate = place === "hidden" ? options.hidden : options.cell;
      return { key: key.at(place).later(time), rate, a: 1, c: previous, eval: "mean" };
    },
  },
});
