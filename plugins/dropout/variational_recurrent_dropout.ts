/**
 * Variational recurrent dropout: one mask a sequence, the same at every step.
 *
 * Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", NIPS 2016, section
 * 4.1, equation (7): the gates see `x_t * z_x` and `h_{t-1} * z_h` with masks z_x and z_h drawn once for each sequence,
 * and the layer hands on `h_t * z_o`. The gates share the masks (tied weights), or each has masks of its own (untied weights, as
 * in the authors' program).
 *
 * @module
 */
import { z } from "zod";
import {
  definePlugin,
  type Factory,
  rateSchema,
  type RecurrentPlace,
  type Scheduled,
  scheduled,
} from "../../core/mod.ts";

/** Options of {@linkcode variationalRecurrentDropout}. The defaults are those of the authors' language model. */
export interface VariationalRecurrentDropoutOptions {
  /** Probability of dropping an input of the layer, in [0, 1], or a schedule. Default 0.5. */
  input?: Scheduled;
  /** Probability of dropping a hidden unit on its way to the next step, in [0, 1], or a schedule. Default 0.3. */
  hidden?: Scheduled;
  /** Probability of dropping an output of the uppermost layer, in [0, 1], or a schedule. Default 0.5. */
  output?: Scheduled;
  /**
   * Whether the gates see one mask, `shared` (default), or each masks of its own on the input and the hidden state,
   * `separate`.
   */
  gates?: "shared" | "separate";
}

/** The rate at a place. */
function rateOf(place: RecurrentPlace, options: { input: number; hidden: number; output: number }): number {
  return place.startsWith("input") ? options.input : place === "output" ? options.output : options.hidden;
}

/**
 * Variational recurrent dropout (Gal and Ghahramani, 2016), for the recurrent site of `lstm`, `gru` and `rnn`.
 *
 * Each example has masks of its own, which stay the same over its whole sequence; kept units are divided by the keep
 * probability, and evaluation is the identity. Layers on top of each other each drop their input and hidden state; the
 * output of the uppermost alone is dropped again. Words are dropped by `embeddingDropout` with `share: "sequence"`.
 *
 * With `gates: "separate"` each gate loses inputs and hidden units of its own: 4 masks of each in an LSTM, 3 in a GRU, 1
 * in a plain layer. A rate of 0 is the identity; a rate of 1 gives zeros with zero gradients.
 *
 * When: an LSTM or GRU overfits and its memory should not be disturbed anew at every step; also for uncertainty by Monte
 * Carlo passes.
 * Cost: steps run one by one, no longer fused, where hidden units are dropped. Separate gates hold the input and the
 * hidden state once for each gate.
 *
 * @example
 * ```ts
 * import { buildModel, lstm, Tensor, variationalRecurrentDropout } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const variant = variationalRecurrentDropout({ input: 0, hidden: 0, output: 0.5 });
 * const model = buildModel(lstm(8, { recurrent: variant }), { inputShape: [3, 2] });
 * const [steps] = model.forward(Tensor.ones([1, 3, 2]), { mode: "train", step: 0 }).toArray() as number[][][];
 * const dropped = steps.map((step) => step.map((value) => value === 0));
 * assertEquals(dropped[1], dropped[0]);
 * ```
 */
export const variationalRecurrentDropout: Factory<"recurrent", VariationalRecurrentDropoutOptions> = definePlugin({
  name: "variational-recurrent-dropout",
  summary: "Drops inputs, hidden units and outputs of a recurrent layer, the same ones at every step of a sequence.",
  paper: {
    authors: "Gal, Ghahramani",
    year: 2016,
    title: "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks",
    url: "https://arxiv.org/abs/1512.05287",
  },
  options: z.object({
    input: scheduled(rateSchema).default(0.5).describe("probability of dropping an input, in [0, 1]"),
    hidden: scheduled(rateSchema).default(0.3).describe("probability of dropping a hidden unit, in [0, 1]"),
    output: scheduled(rateSchema).default(0.5).describe("probability of dropping an output, in [0, 1]"),
    gates: z.enum(["shared", "separate"]).default("shared").describe("whether the gates share their masks"),
  }),
  places(options, mode) {
    const places = options.gates === "shared"
      ? ["input", "previous-hidden", "output"] as const
      : ["input-by-gate", "previous-hidden-by-gate", "output"] as const;
    return mode === "eval" ? [] : places.filter((place) => rateOf(place, options) > 0);
  },
  recurrent: { mask: ({ key, options }, { place }) => ({ key: key.at(place), rate: rateOf(place, options) }) },
  claims: { mean: "kept", variance: "multiplicative", eval: "identity", shares: ["time"] },
  cases: [{}, { gates: "separate" }],
});
