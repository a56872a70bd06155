/**
 * Standout: units are kept with a probability that the layer's own input decides.
 *
 * Ba, Frey, "Adaptive dropout for training deep neural networks", NIPS 2013, section 3: a binary belief network over a
 * layer, `P(m_j = 1 | v) = sigmoid(alpha (W v)_j + beta)`, keeps the unit `a(W v + b)_j`; at test time the units are
 * multiplied by that probability. The gate has weights of its own, or those of the layer.
 *
 * @module
 */
import { z } from "zod";
import {
  customGradient,
  definePlugin,
  type Factory,
  type ProductContext,
  type Scheduled,
  scheduled,
  Tensor,
} from "../../core/mod.ts";

/** Options of {@linkcode standout}. */
export interface StandoutOptions {
  /** Factor of the gate's input, any number, or a schedule. 0 keeps every unit with probability sigmoid(beta). Default 1. */
  alpha?: Scheduled;
  /** Added to the gate's input, any number, or a schedule: the higher, the more is kept. Default 0. */
  beta?: Scheduled;
  /**
   * `tied` (default), as in most of the paper: the gate has the layer's own weight, without its bias. `free`: it has a weight
   * `gate`, which begins as the layer's, and a bias `gateBias`, and both are learned.
   */
  gate?: "tied" | "free";
}

type Resolved = Omit<Required<StandoutOptions>, "alpha" | "beta"> & { alpha: number; beta: number };

/** A number for each unit, in a shape that stretches to the layer's output: the units are its last axis, or its second. */
function beside(units: Tensor, weight: Tensor, output: Tensor): Tensor {
  return weight.rank === 2 ? units : units.reshape([units.size, ...output.shape.slice(2).map(() => 1)]);
}

/** The probability of keeping each unit. `product` is `W v`. */
function keepProbabilities(
  x: Tensor,
  product: Tensor,
  { options, params, multiply }: ProductContext<Resolved>,
): Tensor {
  const { alpha, beta, gate } = options;
  const input = gate === "tied" ? product : multiply(x, params.gate, params.gateBias);
  // At 0 the input does not matter, not even an infinite one.
  if (alpha === 0) return Tensor.full(product.shape, 1 / (1 + Math.exp(-beta)), product.dtype);
  return input.mul(alpha).add(beta).sigmoid();
}

/**
 * Standout (Ba and Frey, 2013), for the weight of a dense layer or a convolution: `dense(800, { weight: standout() })`. Each
 * unit of each example (in a convolution, each place of each channel) is kept with the probability
 * `sigmoid(alpha W v + beta)` of the layer's input v, and is 0 otherwise; nothing is divided. Evaluation multiplies the units
 * by the probability, and mode `sample` draws. `Model.forwardAll` gives the probabilities as `keep`.
 *
 * Of the two readings that programs have, this is that of the paper's text: alpha multiplies the gate's input, so that
 * `alpha: 0` is dropout with the keep probability sigmoid(beta); the other adds beta to each weight, and keeps units by the
 * sum of the inputs.
 *
 * What is kept or dropped is `a(W v + b)`, if the activation a follows directly and fuses with the layer: `relu`, `sigmoid`
 * or `tanh`. Before any other the pre-activation is: the same in training for functions that are 0 at 0, but not at evaluation.
 *
 * A tied gate is not trained: no gradient reaches the weight through the mask, only through evaluation. To a free one the
 * gradient is as if units were multiplied by their probability (straight through), the mean of a unit over its own mask: an
 * estimate, as the paper's local expectations are.
 *
 * When: for hidden layers of fully connected nets and autoencoders, when it should matter to an example which units it loses.
 * Cost: a random number and a sigmoid for each unit; a free gate costs the layer's product once more.
 *
 * @example
 * ```ts
 * import { buildModel, dense, relu, sequential, standout, Tensor } from "@thinned/dropout";
 * import { assertEquals } from "@std/assert";
 *
 * const net = sequential([dense(100, { weight: standout({ alpha: 0, beta: -40 }) }), relu(), dense(10)]);
 * const model = buildModel(net, { inputShape: [20], seed: 1 });
 * const { emitted } = model.forwardAll(Tensor.ones([2, 20]));
 * assertEquals(emitted.get("0.weight.keep")!.max().item() < 1e-9, true); // hardly any unit is kept
 * ```
 */
export const standout: Factory<"product", StandoutOptions> = definePlugin({
  name: "standout",
  summary: "Keeps units with probabilities that the layer's input decides.",
  paper: {
    authors: "Ba, Frey",
    year: 2013,
    title: "Adaptive dropout for training deep neural networks",
    url: "https://papers.nips.cc/paper/5032-adaptive-dropout-for-training-deep-neural-networks",
  },
  options: z.object({
    alpha: scheduled(z.number("expected a number")).default(1).describe("factor of the gate's input"),
    beta: scheduled(z.number("expected a number")).default(0).describe("added to the gate's input"),
    gate: z.enum(["tied", "free"]).default("tied").describe("whose weight the gate has: the layer's, or its own"),
  }),
  fuses: true,
  init({ options: { gate }, weight, dtype }) {
    if (gate === "tied") return {};
    return { params: { gate: weight!.clone(), gateBias: Tensor.zeros([weight!.shape[0]], dtype) } };
  },
  product(x, weight, bias, context) {
    const { mode, key, epilogue, emit, multiply, options: { gate } } = context;
    const product = multiply(x, weight, null);
    const keep = keepProbabilities(x, product, context);
    emit("keep", keep);
    const shifted = bias === null ? product : product.add(beside(bias, weight, product));
    const y = epilogue === "none" ? shifted : shifted[epilogue]();
    if (mode === "eval") return y.mask(keep);
    const kept = keep.detach().greater(Tensor.uniform(keep.shape, key, keep.floatType));
    if (gate === "tied") return y.mask(kept);
    return customGradient([y, keep], ([y]) => y.mask(kept), (dy) => [dy.mask(kept), dy.mul(y)]);
  },
  claims: ({ gate }) => ({
    draw: "sample",
    dropped: "otherwise",
    adaptive: true,
    ...(gate === "free" ? { gradient: "surrogate" } : {}),
  }),
  cases: [{}, { alpha: 0, beta: -1 }, { gate: "free" }],
});
