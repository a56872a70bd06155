/** Layers: values by hand, gradients of inputs and parameters, and how weights begin. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { buildModel, type LayerPlugin, type Model, OptionError, ShapeError, Tensor } from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { dropout } from "../../plugins/dropout/dropout.ts";
import { conv2d } from "../../plugins/layers/conv2d.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { flatten } from "../../plugins/layers/flatten.ts";
import { maxout } from "../../plugins/layers/maxout.ts";
import { relu } from "../../plugins/layers/relu.ts";
import { sequential } from "../../plugins/layers/sequential.ts";
import { sigmoid } from "../../plugins/layers/sigmoid.ts";
import { tanh } from "../../plugins/layers/tanh.ts";
import { assertWithin, mean, variance } from "../core/_statistics.ts";
import { doubles, random } from "../core/_tensors.ts";
import { built } from "./_apply.ts";

/** Sets the parameters of a model, by name. */
function set(model: Model, values: Record<string, Tensor>): void {
  for (const { name, tensor } of model.parameters()) tensor.assign(values[name]);
}

/** Checks the gradients towards the input and all parameters, at random parameters. */
function check(layer: LayerPlugin, shape: readonly number[], batch = 3): void {
  const model = built(layer, shape);
  const parameters = model.parameters().map((p) => p.tensor);
  parameters.forEach((tensor, i) => tensor.assign(random(tensor.shape, 100 + i)));
  checkGradient(([x]) => model.forward(x), [random([batch, ...shape], 1)], { parameters });
}

Deno.test("dense() is x W^T + b", () => {
  const model = built(dense(2), [3]);
  set(model, { weight: doubles([[1, 2, 3], [0, -1, 0]]), bias: doubles([10, 20]) });
  assertEquals(model.forward(doubles([[1, 1, 1], [0, 2, 1]])).toArray(), [[16, 19], [17, 18]]);
  assertEquals(built(dense(2, { bias: false }), [3]).parameters().map((p) => p.name), ["weight"]);
});

Deno.test("maxout() is the largest of its pieces, which stand side by side", () => {
  const model = built(maxout(2, { pieces: 2 }), [1]);
  set(model, { weight: doubles([[1], [-1], [2], [0]]), bias: doubles([0, 0, 0, 1]) });
  assertEquals(model.forward(doubles([[3], [-3], [0]])).toArray(), [[3, 6], [3, 1], [0, 1]]);
});

Deno.test("flatten() keeps the batch and the order of the numbers", () => {
  const x = random([2, 3, 1, 2], 1);
  assertEquals(built(flatten(), [3, 1, 2]).forward(x).toArray(), x.reshape([2, 6]).toArray());
  assertEquals(built(flatten(), []).forward(random([4], 1)).shape, [4, 1]);
  assertEquals(built(flatten(), [3, 2]).forward(Tensor.zeros([0, 3, 2], "float64")).shape, [0, 6]);
});

Deno.test("activations as layers are the tensor's methods", () => {
  const x = random([2, 5], 2);
  assertEquals(built(relu(), [5]).forward(x).toArray(), x.relu().toArray());
  assertEquals(built(sigmoid(), [5]).forward(x).toArray(), x.sigmoid().toArray());
  assertEquals(built(tanh(), [5]).forward(x).toArray(), x.tanh().toArray());
});

Deno.test("sequential() of no layers is the identity, and of layers their composition", () => {
  const x = random([2, 5], 3);
  assertEquals(built(sequential([]), [5]).forward(x).toArray(), x.toArray());
  const model = built(sequential([tanh(), sequential([relu(), sigmoid()])]), [5]);
  assertEquals(model.forward(x).toArray(), x.tanh().relu().sigmoid().toArray());
});

const layers: Record<string, [LayerPlugin, number[]]> = {
  "dense()": [dense(4), [3]],
  "dense() of one unit and one input": [dense(1), [1]],
  "dense() over further axes": [dense(2), [3, 2]],
  "dense() without a bias": [dense(4, { bias: false }), [3]],
  "maxout()": [maxout(3, { pieces: 3 }), [4]],
  "dense() with relu() fused": [sequential([dense(4), relu()]), [3]],
  "dense() with sigmoid() fused": [sequential([dense(4), sigmoid()]), [3]],
  "dense() with tanh() fused": [sequential([dense(4), tanh()]), [3]],
  "a deep network": [sequential([dense(6), tanh(), maxout(3), dropout(), sequential([flatten(), dense(2)])]), [5]],
};
for (const [name, [layer, shape]] of Object.entries(layers)) {
  Deno.test(`${name} has the gradients that central differences give, of its input and its parameters`, () => {
    for (const batch of [1, 3]) check(layer, shape, batch);
    const model = built(layer, shape);
    const out = model.forward(Tensor.zeros([0, ...shape], "float64"), { mode: "train", step: 0 });
    assertEquals(out.shape[0], 0, "an empty batch");
  });
}

const initializers = {
  "he-normal": (n: number) => 2 / n,
  "he-uniform": (n: number) => 2 / n,
  "glorot-normal": (n: number, m: number) => 2 / (n + m),
  "glorot-uniform": (n: number, m: number) => 2 / (n + m),
  "lecun-normal": (n: number) => 1 / n,
} as const;
for (const [name, of] of Object.entries(initializers)) {
  Deno.test(`the initializer ${name} gives weights of mean 0 and its variance`, () => {
    const [inputs, units] = [300, 400];
    const initializer = name as keyof typeof initializers;
    const weight = built(dense(units, { initializer }), [inputs]).parameters()[0].tensor.floats;
    const expected = of(inputs, units);
    const fourth = name.endsWith("uniform") ? 9 / 5 : 3; // fourth moment over squared variance
    const count = inputs * units;
    assertWithin(mean(weight), 0, Math.sqrt(expected / count), "mean");
    assertWithin(variance(weight), expected, expected * Math.sqrt((fourth - 1) / count), "variance");
    if (name.endsWith("uniform")) assert(weight.every((w) => Math.abs(w) <= Math.sqrt(3 * expected)));
  });
}

Deno.test("the initializer pytorch draws weights and biases uniformly within 1 / sqrt(fan-in), as PyTorch's layers do", () => {
  const [dense1, conv1] = [
    dense(500, { initializer: "pytorch" }),
    conv2d(64, 3, { initializer: "pytorch", groups: 2 }),
  ];
  for (const [layer, shape, fanIn] of [[dense1, [40], 40], [conv1, [8, 5, 5], 36]] as const) {
    for (const { name, tensor } of built(layer, shape).parameters()) {
      const bound = 1 / Math.sqrt(fanIn);
      assert(tensor.floats.every((value) => Math.abs(value) < bound), name);
      // The mean of n squares of U(-b, b) is b^2 / 3, with standard error b^2 sqrt(4 / 45 / n).
      const square = tensor.square().mean().item();
      assertWithin(square, bound ** 2 / 3, bound ** 2 * Math.sqrt(4 / 45 / tensor.size), name);
    }
  }
});

Deno.test("dense layers begin with LeCun's variance and biases of 0, convolutions by PyTorch's rule", () => {
  const numbers = (layer: LayerPlugin, shape: readonly number[]) =>
    built(layer, shape).parameters().map((p) => [...p.tensor.floats]);
  assertEquals(numbers(dense(7), [9]), numbers(dense(7, { initializer: "lecun-normal" }), [9]));
  assertEquals(numbers(conv2d(4, 3), [2, 5, 5]), numbers(conv2d(4, 3, { initializer: "pytorch" }), [2, 5, 5]));
  assert(numbers(dense(7), [9])[1].every((value) => value === 0));
});

Deno.test("zeros begin at zero, biases too, and a gain multiplies", () => {
  const zero = built(dense(3, { initializer: "zeros" }), [4]).parameters();
  assert(zero.every((p) => p.tensor.floats.every((value) => value === 0)));
  const weight = (gain: number) => built(dense(3, { initializerGain: gain }), [4]).parameters()[0].tensor;
  assertEquals(weight(2).toArray(), weight(1).mul(2).toArray());
});

Deno.test("layers refuse inputs and options that they cannot take, by their place", () => {
  assertThrows(() => built(maxout(2), [3, 4]), ShapeError, "model (maxout): expected an input [batch, features]");
  assertThrows(() => built(dense(2), []), ShapeError, "model (dense): expected an input [batch, ..., features]");
  assertThrows(() => built(dense(2), [0]), ShapeError, "[batch, ...[0]]");
  assertThrows(() => maxout(2, { pieces: 1 }), OptionError, "maxout.pieces: expected a whole number of at least 2");
  const model = buildModel(dense(2), { inputShape: [3] });
  assertThrows(() => model.forward(Tensor.ones([1, 3], "float64")), OptionError, "float64");
});
