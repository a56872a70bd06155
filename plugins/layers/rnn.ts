/**
 * A plain recurrent layer.
 *
 * Elman, "Finding Structure in Time", Cognitive Science 14 (1990): `h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)`.
 *
 * @module
 */
import { z } from "zod";
import { definePlugin, type Factory, rnnSequence } from "../../core/mod.ts";
import { type Cell, runRecurrent, splitStates } from "./_recurrent.ts";
import { initRecurrent, recurrentFields, type RecurrentOptions } from "./_recurrent_options.ts";

/** Options of {@linkcode rnn}. */
export interface RnnOptions extends RecurrentOptions {
  /** The activation f: `tanh` (default) or `relu`. */
  activation?: "tanh" | "relu";
}

function cellOf(activation: "tanh" | "relu"): Cell {
  return {
    gates: 1,
    states: ["hidden"],
    inside: ["previous-hidden", "previous-hidden-by-gate", "hidden"],
    separateBias: false,
    sequence(projected, { weight }, [initial], options) {
      const states = rnnSequence(projected, weight, initial, activation, options);
      const { hidden, final } = splitStates(states, projected.shape[0], options.reverse ?? false);
      return { hidden, final: [final] };
    },
    step: (projected, product, [previous], act) => [
      act("hidden", projected.add(product(previous))[activation](), previous),
    ],
  };
}

const cells = { tanh: cellOf("tanh"), relu: cellOf("relu") };

/**
 * A plain recurrent layer. Input `[batch, time, features]`, output `[batch, time, units]`, or `[batch, units]` without
 * `returnSequences`; twice the units when bidirectional. Lengths, carried states, parameters and final states as in
 * {@linkcode lstm}, with one state, `hidden_l0`, and one gate.
 *
 * @example
 * ```ts
 * import { buildModel, rnn, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const model = buildModel(rnn(8, { activation: "relu" }), { inputShape: [5, 3], seed: 1 });
 * assertEquals(model.forward(Tensor.ones([2, 5, 3])).shape, [2, 5, 8]);
 * ```
 */
export const rnn: Factory<"layer", RnnOptions, ["units"]> = definePlugin({
  name: "rnn",
  summary: "A plain recurrent layer: h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh).",
  paper: {
    authors: "Elman",
    year: 1990,
    title: "Finding Structure in Time",
    url: "https://doi.org/10.1207/s15516709cog1402_1",
  },
  options: z.object({
    ...recurrentFields,
    activation: z.enum(["tanh", "relu"]).default("tanh").describe("the activation"),
  }),
  positional: ["units"],
  mixesRows: ({ stateful }) => stateful !== undefined,
  init: (context) => initRecurrent(context, 1, ["hidden"]),
  forward: (x, context) => runRecurrent(cells[context.options.activation], x, context),
});
