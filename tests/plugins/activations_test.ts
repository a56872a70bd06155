/** Activation layers: values, options, gradients, and extreme inputs. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type LayerPlugin, OptionError, ShapeError, Tensor } from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import * as plugins from "../../plugins/mod.ts";
import { apart, random } from "../core/_tensors.ts";
import { built } from "./_apply.ts";

const layers: LayerPlugin[] = [
  plugins.elu(),
  plugins.elu({ alpha: 0.3 }),
  plugins.gelu(),
  plugins.gelu({ approximate: "tanh" }),
  plugins.leakyRelu(),
  plugins.leakyRelu({ negativeSlope: -0.5 }),
  plugins.logSoftmax(),
  plugins.logSoftmax({ axis: 1 }),
  plugins.selu(),
  plugins.silu(),
  plugins.softmax(),
  plugins.softmax({ axis: 1 }),
  plugins.softplus(),
];

for (const layer of layers) {
  Deno.test(`${layer.plugin}(${JSON.stringify(layer.options)}) has the gradient that central differences give`, () => {
    for (const shape of [[1, 1], [0, 3], [3, 5], [2, 3, 4]]) {
      const model = built(layer, shape.slice(1));
      assertEquals(model.parameterCount(), 0);
      checkGradient(([x]) => model.forward(x), [apart(shape, 1)]);
    }
  });
}

const apply = (layer: LayerPlugin, x: Tensor) => built(layer, x.shape.slice(1)).forward(x);

Deno.test("activations take their options", () => {
  const x = Tensor.of([[-2, 3]], "float64");
  assertEquals(apply(plugins.leakyRelu({ negativeSlope: 0.25 }), x).toArray(), [[-0.5, 3]]);
  assertEquals(apply(plugins.elu({ alpha: 2 }), x).toArray(), [[2 * Math.expm1(-2), 3]]);
  const both = [plugins.gelu(), plugins.gelu({ approximate: "tanh" })].map((layer) => apply(layer, x).floats[0]);
  assert(both[0] !== both[1] && Math.abs(both[0] - both[1]) < 1e-3);
});

Deno.test("softmax() along an axis sums to 1 there, and logSoftmax() is its logarithm", () => {
  const x = random([3, 4, 5], 1);
  for (const axis of [1, 2, -1]) {
    const y = apply(plugins.softmax({ axis }), x);
    for (const sum of y.sum(axis).floats) assertAlmostEquals(sum, 1, 1e-14);
    const logs = apply(plugins.logSoftmax({ axis }), x).floats;
    y.floats.forEach((value, i) => assertAlmostEquals(Math.log(value), logs[i], 1e-12));
  }
  assertThrows(() => built(plugins.softmax({ axis: 3 }), [4, 5]), ShapeError, "model (softmax)");
});

Deno.test("activations of extreme inputs are finite where the function is", () => {
  const x = Tensor.of([[-1e4, 1e4]], "float64");
  const expected: [LayerPlugin, number[]][] = [
    [plugins.elu(), [-1, 1e4]],
    [plugins.gelu(), [0, 1e4]],
    [plugins.gelu({ approximate: "tanh" }), [0, 1e4]],
    [plugins.logSoftmax(), [-2e4, 0]],
    [plugins.selu(), [-1.7580993408473766, 1.0507009873554805e4]],
    [plugins.silu(), [0, 1e4]],
    [plugins.softmax(), [0, 1]],
    [plugins.softplus(), [0, 1e4]],
  ];
  for (const [layer, values] of expected) {
    apply(layer, x).floats.forEach((value, i) => assertAlmostEquals(value, values[i], 1e-9, layer.plugin));
  }
});

Deno.test("selu() keeps mean 0 and variance 1 of a normal input near theirs", () => {
  const y = apply(plugins.selu(), random([1, 200000], 1));
  // Its fixed point: the standard error of the mean is 1 / sqrt(200000), that of the variance about 1.6 times as large.
  assertAlmostEquals(y.mean().item(), 0, 4 * 0.0023);
  assertAlmostEquals(y.square().mean().item(), 1, 4 * 0.0036);
});

Deno.test("activations refuse options outside their range", () => {
  assertThrows(() => plugins.softmax({ axis: 0.5 }), OptionError, "softmax.axis: expected a whole number");
  assertThrows(() => plugins.gelu({ approximate: "fast" as "tanh" }), OptionError, "gelu.approximate");
  assertThrows(() => plugins.elu({ alpha: NaN }), OptionError, "elu.alpha: expected a number");
});
