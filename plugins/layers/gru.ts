/**
 * The gated recurrent unit.
 *
 * Cho, van Merrienboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio, "Learning Phrase Representations using RNN
 * Encoder-Decoder for Statistical Machine Translation", EMNLP 2014, in PyTorch's form:
 * r, z = sigmoid of `W_ih x_t + b_ih + W_hh h_{t-1} + b_hh`; `n = tanh(W_in x_t + b_in + r (W_hn h_{t-1} + b_hn))`;
 * `h_t = (1 - z) n + z h_{t-1}`.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, gruSequence, type Tensor } from "../../core/mod.ts";
import { type Cell, runRecurrent, splitStates } from "./_recurrent.ts";
import { initRecurrent, recurrentFields, type RecurrentOptions } from "./_recurrent_options.ts";

/** Options of {@linkcode gru}. */
export type GruOptions = RecurrentOptions;

const cell: Cell = {
  gates: 3,
  states: ["hidden"],
  inside: ["previous-hidden", "previous-hidden-by-gate", "candidate", "hidden"],
  separateBias: true,
  sequence(projected, { weight, bias }, [initial], options) {
    const states = gruSequence(projected, weight, bias, initial, options);
    const { hidden, final } = splitStates(states, projected.shape[0], options.reverse ?? false);
    return { hidden, final: [final] };
  },
  step(projected, product, [previous], act) {
    const [batch, units] = previous.shape;
    const carried = product(previous);
    const gate = (sums: Tensor, k: number) => sums.slice([0, k * units], [batch, (k + 1) * units]);
    const reset = gate(projected, 0).add(gate(carried, 0)).sigmoid();
    const update = gate(projected, 1).add(gate(carried, 1)).sigmoid();
    const candidate = act("candidate", gate(projected, 2).add(reset.mul(gate(carried, 2))).tanh());
    const hidden = update.mul(-1).add(1).mul(candidate).add(update.mul(previous));
    return [act("hidden", hidden, previous)];
  },
};

/**
 * A GRU. Input `[batch, time, features]`, output `[batch, time, units]`, or `[batch, units]` without `returnSequences`;
 * twice the units when bidirectional. Lengths, carried states, parameters and final states as in {@linkcode lstm}, with
 * one state, `hidden_l0`, and the gates in the order r, z, n.
 *
 * @example
 * ```ts
 * import { buildModel, gru, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(gru(8, { bidirectional: true, returnSequences: false }), { inputShape: [5, 3], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([2, 5, 3])).shape, [2, 16]);
 * ```
 */
export const gru: Factory<"layer", GruOptions, ["units"]> = definePlugin({
  name: "gru",
  summary: "The gated recurrent unit.",
  paper: {
    authors: "Cho, van Merrienboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio",
    year: 2014,
    title: "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation",
    url: "https://arxiv.org/abs/1406.1078",
  },
  options: z.object({ ...recurrentFields }),
  positional: ["units"],
  mixesRows: ({ stateful }) => stateful !== undefined,
  init: (context) => initRecurrent(context, 3, ["hidden"]),
  forward: (x, context) => runRecurrent(cell, x, context),
});
