/**
 * Long short-term memory.
 *
 * Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9 (1997), with the forget gate of Gers,
 * Schmidhuber and Cummins (2000): i, f, o = sigmoid and g = tanh of `W_ih x_t + b_ih + W_hh h_{t-1} + b_hh`;
 * `c_t = f c_{t-1} + i g`; `h_t = o tanh(c_t)`.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, lstmSequence } from "../../core/mod.ts";
import { type Cell, runRecurrent, splitStates } from "./_recurrent.ts";
import { initRecurrent, recurrentFields, type RecurrentOptions } from "./_recurrent_options.ts";

export type { RecurrentInitializer, RecurrentOptions } from "./_recurrent_options.ts";

/** Options of {@linkcode lstm}. */
export type LstmOptions = RecurrentOptions;

const cell: Cell = {
  gates: 4,
  states: ["hidden", "cell"],
  inside: ["previous-hidden", "previous-hidden-by-gate", "candidate", "cell", "carried-cell", "hidden"],
  separateBias: false,
  sequence(projected, { weight }, [initial, initialCell], options) {
    const [time, batch] = projected.shape;
    const states = lstmSequence(projected, weight, initial, initialCell, options);
    const { hidden, final } = splitStates(states, time, options.reverse ?? false);
    return { hidden, final: [final, states.slice([time + 1]).reshape([batch, weight.shape[1]])] };
  },
  step(projected, product, [previous, memory], act) {
    const [batch, units] = previous.shape;
    const sums = projected.add(product(previous));
    const gate = (k: number) => sums.slice([0, k * units], [batch, (k + 1) * units]);
    const candidate = act("candidate", gate(2).tanh());
    const forgotten = gate(1).sigmoid().mul(memory);
    const state = act("cell", forgotten.add(gate(0).sigmoid().mul(candidate)), memory);
    const hidden = gate(3).sigmoid().mul(state.tanh());
    return [act("hidden", hidden, previous), act("carried-cell", state, memory)];
  },
};

/**
 * An LSTM. Input `[batch, time, features]`, output `[batch, time, units]`, or `[batch, units]` without
 * `returnSequences`; twice the units when bidirectional.
 *
 * Parameters have PyTorch's names and layout: `weight_ih_l0: [4 units, features]`, `weight_hh_l0: [4 units, units]`,
 * `bias_ih_l0` and `bias_hh_l0: [4 units]`, with the gates in the order i, f, g, o; `_l1` for the second layer, and
 * `_reverse` behind it for the second direction.
 *
 * **Lengths.** Sequences of different lengths lie in one batch with padding at their ends. Their lengths come as a second
 * input `[batch]`, or are found by the option `padding`. A state does not change at padded steps, which give zeros; the
 * second direction begins at each sequence's own last step. Without `returnSequences` the output is that of each
 * sequence's own last step.
 *
 * **States.** The final states `hidden_l0` and `cell_l0`, `[batch, units]`, are handed out by `model.forwardAll`. A map
 * given to `model.forward` as `carry` takes them from one call to the next, in any mode: so a long text is read, or
 * written, in pieces. For training, `stateful` does the same with running state that checkpoints keep: the state goes on
 * without a gradient, and begins anew at an epoch's first step, which `progress` tells, or when it is overwritten through
 * `model.state()`. It needs data whose examples are consecutive pieces: those in the order `lanes`.
 *
 * **Variants.** `recurrent` acts inside the recurrence, `weight` on `weight_hh` and `inputWeight` on `weight_ih`, drawn
 * once for all steps of a pass, and `dropout` between layers. Without a variant inside the recurrence the steps are fused.
 * The variants of the layers stand at `recurrent_l0`, `weight_l0`, `inputWeight_l0` and `dropout_l0`, with endings as above.
 *
 * @example
 * ```ts
 * import { buildModel, Key, lstm, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(lstm(8, { layers: 2 }), { inputShape: [-1, 3], seed: 1 }); // any number of steps
 * const x = Tensor.uniform([2, 6, 3], Key.seed(1));
 * const whole = model.forward(x);
 * const carry = new Map<string, Tensor>(); // the same in two pieces
 * const first = model.forward(x.slice([0, 0], [2, 4]), { carry });
 * const second = model.forward(x.slice([0, 4]), { carry });
 * assertEquals(Tensor.concat([first, second], 1).toArray(), whole.toArray());
 * ```
 */
export const lstm: Factory<"layer", LstmOptions, ["units"]> = definePlugin({
  name: "lstm",
  summary: "Long short-term memory.",
  paper: {
    authors: "Hochreiter, Schmidhuber",
    year: 1997,
    title: "Long Short-Term Memory",
    url: "https://doi.org/10.1162/neco.1997.9.8.1735",
  },
  options: z.object({ ...recurrentFields }),
  positional: ["units"],
  mixesRows: ({ stateful }) => stateful !== undefined,
  init: (context) => initRecurrent(context, 4, ["hidden", "cell"]),
  forward: (x, context) => runRecurrent(cell, x, context),
});
