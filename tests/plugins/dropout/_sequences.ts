/** Models and comparisons for the variants of sequences: recurrent layers, attention and embeddings. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { z } from "zod";
import {
  type AttentionStage,
  buildModel,
  customGradient,
  definePlugin,
  type Factory,
  gradients,
  type LayerPlugin,
  type Model,
  part,
  type Plugin,
  type Shape,
  Tensor,
} from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";

/** A pass in training. */
export const train = { mode: "train", step: 0 } as const;

/** A layer built for float64 inputs of a shape, without the batch axis. */
export function built(layer: LayerPlugin, inputShape: Shape | readonly Shape[], seed = 1): Model {
  return buildModel(layer, { inputShape: inputShape as Shape, dtype: "float64", seed });
}

/** A parameter of a model. */
export function parameter(model: Model, name: string): Tensor {
  const found = model.parameters().find((parameter) => parameter.name === name);
  if (found === undefined) throw new Error(`no parameter ${name}`);
  return found.tensor;
}

/** Indices as a tensor. */
export function indices(values: readonly number[]): Tensor {
  return Tensor.from(Int32Array.from(values), [values.length]);
}

/** Throws unless two tensors agree entry by entry. */
export function close(found: Tensor, expected: Tensor, what = "output", tolerance = 1e-12): void {
  assertEquals(found.shape, expected.shape, what);
  found.floats.forEach((value, i) => {
    assertAlmostEquals(value, expected.floats[i], tolerance, `${what}, element ${i}`);
  });
}

/** Throws unless a statistic lies within 5 standard errors of its expectation: by chance once in 1.7 million. */
export function within(found: number, expected: number, standardError: number, what: string): void {
  const distance = Math.abs(found - expected);
  assert(distance <= 5 * standardError, `${what}: found ${found}, expected ${expected} +- ${standardError}`);
}

/** Checks the gradients of a pass in training, whose masks are held, towards the inputs and all parameters. */
export function checkModel(model: Model, ...inputs: readonly Tensor[]): void {
  const parameters = model.parameters().map((p) => p.tensor);
  checkGradient((given) => {
    given.slice(inputs.length).forEach((value, i) => parameters[i].assign(value));
    const leaves = given.slice(0, inputs.length).map((value) => value.withGradient());
    const y = model.forward(leaves, train);
    return customGradient(given, () => y.clone(), (dy) => gradients(y, [...leaves, ...parameters], dy));
  }, [...inputs, ...parameters.map((p) => p.clone())]);
}

/** Biases that saturate in float64: a sigmoid of 1 and a tanh of 1, or a sigmoid of 0. */
export const OPEN = 800;

/**
 * Sets weights to 0 and each gate's biases to a number, so that gates are constant.
 *
 * @param biases one for each gate, in the layer's order
 */
export function constantGates(model: Model, biases: readonly number[]): void {
  for (const { name, tensor } of model.parameters()) {
    if (name.startsWith("weight") || name === "bias_hh_l0") tensor.assign(Tensor.zeros(tensor.shape, "float64"));
    if (name !== "bias_ih_l0") continue;
    const units = tensor.size / biases.length;
    tensor.assign(
      Tensor.from(Float64Array.from({ length: tensor.size }, (_, i) => biases[Math.floor(i / units)]), [tensor.size]),
    );
  }
}

/** Options of {@linkcode attentionStage}. */
interface AttentionStageOptions {
  variant: Plugin<"attention">;
  stage: AttentionStage;
}

/** A layer that is one stage of attention: what the variant makes of its input, where it acts. */
export const attentionStage: Factory<"layer", AttentionStageOptions> = definePlugin({
  name: "attention-stage",
  options: z.object({ variant: part("attention"), stage: z.enum(["scores", "weights", "heads"]) }),
  forward(x, { serve, acts, options: { variant, stage } }) {
    return acts("attention", variant)!.includes(stage) ? serve("attention", variant, [x, stage]) : x;
  },
});
