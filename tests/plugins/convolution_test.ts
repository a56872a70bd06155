/** Convolution, pooling and normalisation as layers: shapes, parameters, modes, running statistics, sites, refusals. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  convolution,
  definePlugin,
  type Factory,
  gradients,
  type LayerPlugin,
  lossOf,
  OptionError,
  type Shape,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import * as plugins from "../../plugins/mod.ts";
import { z } from "zod";
import { random } from "../core/_tensors.ts";
import { built } from "./_apply.ts";

const { batchNorm, conv1d, conv2d, conv3d, maxPool2d, sequential } = plugins;

function outputShape(layer: LayerPlugin, shape: Shape): Shape {
  return built(layer, shape.slice(1)).forward(random(shape, 1)).shape;
}

Deno.test('padding "same" gives the input\'s extent divided by the stride and rounded up, for any window', () => {
  for (const extent of [1, 5, 8]) {
    for (const kernel of [1, 2, 3, 5]) {
      for (const stride of [1, 2, 3]) {
        for (const dilation of [1, 2]) {
          const layer = conv1d(2, kernel, { stride, dilation, padding: "same" });
          assertEquals(outputShape(layer, [3, 1, extent]), [3, 2, Math.ceil(extent / stride)]);
        }
        const options = { stride, padding: "same" } as const;
        const wanted = [3, 2, Math.ceil(extent / stride), Math.ceil((extent + 1) / stride)];
        assertEquals(outputShape(maxPool2d(kernel, options), [3, 2, extent, extent + 1]), wanted);
      }
    }
  }
});

Deno.test("conv2d() takes one number for each axis, and valid padding is none", () => {
  const layer = conv2d(3, [2, 5], { stride: [1, 2], padding: [0, 2], dilation: [3, 1] });
  assertEquals(outputShape(layer, [1, 2, 7, 6]), [1, 3, 4, 3]);
  assertEquals(outputShape(conv2d(3, 3, { padding: "valid" }), [1, 2, 7, 6]), [1, 3, 5, 4]);
});

Deno.test("convolutions have PyTorch's parameters, and none for the bias without one", () => {
  const shapes = (layer: LayerPlugin, inputShape: Shape) =>
    built(layer, inputShape).parameters().map(({ name, tensor }) => [name, tensor.shape]);
  assertEquals(shapes(conv1d(4, 3), [2, 9]), [["weight", [4, 2, 3]], ["bias", [4]]]);
  assertEquals(shapes(conv2d(4, [3, 2], { groups: 2, bias: false }), [2, 9, 9]), [["weight", [4, 1, 3, 2]]]);
  assertEquals(shapes(conv3d(4, 3), [2, 4, 4, 4]), [["weight", [4, 2, 3, 3, 3]], ["bias", [4]]]);
});

Deno.test("conv3d() over a volume of depth 1 is conv2d(), and conv2d() over an image of height 1 is conv1d()", () => {
  const model = (layer: LayerPlugin, inputShape: Shape, weight: Tensor) => {
    const made = built(layer, inputShape);
    made.load(new Map([["model/weight", weight], ["model/bias", random([3], 8)]]));
    return made;
  };
  const [x, weight] = [random([2, 2, 6], 1), random([3, 2, 3], 2)];
  const y = model(conv1d(3, 3), [2, 6], weight).forward(x);
  const flat = model(conv2d(3, [1, 3]), [2, 1, 6], weight.reshape([3, 2, 1, 3])).forward(x.reshape([2, 2, 1, 6]));
  const deep = model(conv3d(3, [1, 1, 3]), [2, 1, 1, 6], weight.reshape([3, 2, 1, 1, 3]))
    .forward(x.reshape([2, 2, 1, 1, 6]));
  assertEquals(flat.reshape(y.shape).toArray(), y.toArray());
  assertEquals(deep.reshape(y.shape).toArray(), y.toArray());
});

Deno.test("an activation behind a convolution is fused into it without changing anything", () => {
  const layers = [conv2d(4, 3, { name: "c" }), plugins.tanh()];
  const x = random([2, 3, 5, 5], 1);
  const fused = built(sequential(layers), [3, 5, 5]).forward(x);
  const apart = built(sequential([layers[0], plugins.dropout({ rate: 0 }), layers[1]]), [3, 5, 5]).forward(x);
  assertEquals(fused.toArray(), apart.toArray());
});

Deno.test("a variant at a convolution's weight changes the weight that is used, and gets its gradient", () => {
  const halve: Factory<"weight", Record<never, never>> = definePlugin({
    name: "halve",
    options: z.object({}),
    weight: (weight: Tensor) => weight.mul(0.5),
  });
  const model = built(conv2d(2, 3, { weight: halve() }), [1, 4, 4]);
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  const x = random([2, 1, 4, 4], 1);
  const y = model.forward(x);
  assertEquals(y.toArray(), convolution(x, weight.mul(0.5), bias).toArray());
  const plain = gradients(convolution(x, weight, bias).sum(), [weight])[0];
  assertEquals(gradients(y.sum(), [weight])[0].toArray(), plain.mul(0.5).toArray());
});

Deno.test("a weight begins with the variance that its initializer promises, by the fan-in of a window", () => {
  const layer = conv2d(64, 5, { groups: 2, initializer: "he-normal" });
  const weight = buildModel(layer, { inputShape: [32, 8, 8], seed: 3 }).parameters()[0].tensor;
  const fanIn = 16 * 25;
  // The mean of n squares of N(0, v) has standard error v sqrt(2 / n); five of them.
  const error = Math.sqrt(2 / weight.size);
  assertAlmostEquals(weight.square().mean().item() * fanIn / 2, 1, 5 * error);
});

Deno.test("convolution and pooling layers refuse bad options and shapes, and say what they wanted", () => {
  assertThrows(() => conv2d(4, 0), OptionError, "a whole number of at least 1, or an array of 2, found 0");
  assertThrows(() => conv2d(4, [3]), OptionError, "or an array of 2, found [3]");
  assertThrows(() => conv2d(4, [3, 0]), OptionError, "or an array of 2, found 0");
  assertThrows(() => maxPool2d(2, { padding: -1 }), OptionError, "at least 0, or an array of 2, found -1");
  assertThrows(() => conv1d(0, 3), OptionError, "conv1d.channels");
  assertThrows(() => conv1d(1, 3, { padding: "full" as "same" }), OptionError, '"same", "valid"');
  assertThrows(() => built(conv2d(4, 3, { groups: 3 }), [6, 8, 8]), OptionError, "a divisor of 6 input and 4 output");
  assertThrows(() => built(conv2d(4, 3), [6, 8]), ShapeError, "expected an input [batch, channels, height, width]");
  assertThrows(() => built(conv2d(4, 3), [6, 2, 2]), ShapeError, "model (conv2d): convolution: a window that spans 3");
  assertThrows(() => built(maxPool2d(3, { padding: 2 }), [6, 8, 8]), OptionError, "at most half of the window");
  assertThrows(() => built(plugins.globalAveragePool(), [6]), ShapeError, "[batch, channels, ...places]");
});

Deno.test("global pooling reduces all places, of an empty batch too", () => {
  const x = random([2, 3, 4, 5], 1);
  const mean = built(plugins.globalAveragePool(), [3, 4, 5]).forward(x);
  assertEquals(mean.toArray(), x.reshape([2, 3, 20]).mean(2).toArray());
  const max = built(plugins.globalMaxPool({ keepAxes: true }), [3, 4, 5]);
  assertEquals(max.forward(x).toArray(), x.max([2, 3], true).toArray());
  assertEquals(max.forward(random([0, 3, 4, 5], 1)).shape, [0, 3, 1, 1]);
});

Deno.test("batchNorm() updates its statistics in training alone, and uses them frozen in eval and sample", () => {
  const model = built(batchNorm(), [3, 4]);
  const x = random([5, 3, 4], 1).mul(2).add(7);
  const state = () => [...model.state().values()].map((tensor) => tensor.toArray());
  const begun = state();
  assertEquals(model.forward(x, { mode: "sample", step: 0 }).toArray(), model.forward(x).toArray());
  assertEquals(state(), begun);
  const inTraining = model.forward(x, { mode: "train", step: 0 });
  const moved = state();
  assertNotEquals(moved, begun);
  for (const value of inTraining.mean([0, 2]).floats) assertAlmostEquals(value, 0, 1e-9);
  model.forward(x);
  model.forward(x, { mode: "sample", step: 0 });
  assertEquals(state(), moved);
});

Deno.test("batchNorm() with momentum 1 holds the last batch's mean and unbiased variance", () => {
  const model = built(batchNorm({ momentum: 1 }), [1]);
  model.forward(Tensor.of([[1], [2], [6]], "float64"), { mode: "train", step: 0 });
  assertEquals(model.state().get("mean")!.toArray(), [3]);
  assertAlmostEquals(model.state().get("variance")!.item(), 7, 1e-12);
});

Deno.test("batchNorm() refuses to train on one value for each channel, and evaluates it", () => {
  const model = built(batchNorm(), [3]);
  const x = random([1, 3], 1);
  assertThrows(
    () => model.forward(x, { mode: "train", step: 0 }),
    ShapeError,
    "at least 2 values of each channel, found 1",
  );
  assertEquals(model.forward(x).shape, [1, 3]);
  assertEquals(model.forward(random([0, 3], 1)).shape, [0, 3]);
});

Deno.test("normalisations without affine have no parameters", () => {
  for (const layer of [batchNorm, plugins.layerNorm]) {
    assertEquals(built(layer({ affine: false }), [4]).parameters(), []);
  }
  assertEquals(built(plugins.groupNorm(2, { affine: false }), [4]).parameters(), []);
});

Deno.test("layerNorm() over one axis, groupNorm(1) over channels and layerNorm() over all agree where they coincide", () => {
  const x = random([3, 6], 1);
  const one = built(plugins.layerNorm(), [6]).forward(x);
  assertEquals(built(plugins.groupNorm(1), [6]).forward(x).toArray(), one.toArray());
  const image = random([3, 2, 3], 2);
  const two = built(plugins.layerNorm({ axes: 2 }), [2, 3]).forward(image);
  assertEquals(built(plugins.groupNorm(1), [2, 3]).forward(image).toArray(), two.toArray());
});

Deno.test("a small convolutional net learns to tell stripes from their transposes", () => {
  const net = sequential([
    conv2d(8, 3, { padding: "same" }),
    batchNorm(),
    plugins.relu(),
    maxPool2d(2),
    plugins.localResponseNorm(3),
    plugins.globalAveragePool(),
    plugins.dense(2),
  ]);
  const model = buildModel(net, { inputShape: [1, 8, 8], seed: 1 });
  const stripes = (example: number, row: number, col: number) => ((example % 2 ? row : col) + (example >> 1)) % 2;
  const values = Float32Array.from({ length: 8 * 64 }, (_, i) => stripes(i >> 6, (i >> 3) & 7, i & 7));
  const x = Tensor.from(values, [8, 1, 8, 8]);
  const labels = Tensor.from(Int32Array.from({ length: 8 }, (_, i) => i % 2), [8]);
  const loss = plugins.crossEntropy();
  const parameters = model.parameters().map(({ tensor }) => tensor);
  let last = Infinity;
  for (let step = 0; step < 60; step++) {
    const value = lossOf(loss, model.forward(x, { mode: "train", step: 0 }), labels);
    gradients(value, parameters).forEach((gradient, i) =>
      parameters[i].assign(parameters[i].sub(gradient.mul(0.3)).detach())
    );
    last = value.item();
  }
  assert(last < 0.05, `the loss after 60 steps is ${last}`);
});
