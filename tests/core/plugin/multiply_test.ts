/** The host's own linear map, as variants of the whole product call it. */
import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  buildModel,
  conv1d,
  conv2d,
  conv3d,
  convolution,
  convolutionMultiply,
  definePlugin,
  dense,
  denseMultiply,
  type Factory,
  Key,
  type LayerPlugin,
  maxout,
  type Plugin,
  relu,
  sequential,
  ShapeError,
  Tensor,
} from "../../../mod.ts";
import { checkGradient } from "../../../testing/mod.ts";

const normal = (shape: number[], name: string) => Tensor.normal(shape, Key.seed(8).at(name), "float64");

/** Computes the product as the layer itself would. */
const through: Factory<"product", Record<never, never>> = definePlugin({
  name: "through",
  options: z.object({}),
  product: (x, weight, bias, { multiply }) => multiply(x, weight, bias),
});

/** Gives each example a weight and a bias of its own: the layer's, times the example's number from 1. */
const numbered: Factory<"product", Record<never, never>> = definePlugin({
  name: "numbered",
  options: z.object({}),
  product(x, weight, bias, { multiply }) {
    const number = Tensor.from(Float64Array.from({ length: x.shape[0] }, (_, i) => i + 1), [x.shape[0]]);
    const each = (part: Tensor) => part.mul(number.reshape([x.shape[0], ...part.shape.map(() => 1)]));
    return multiply(x, each(weight), bias && each(bias));
  },
});

/** Hosts of a product with the shape of an example. */
const hosts: Readonly<Record<string, readonly [(weight?: Plugin<"product">) => LayerPlugin, number[]]>> = {
  "dense": [(weight) => dense(3, { ...(weight && { weight }) }), [4]],
  "dense on sequences": [(weight) => dense(3, { ...(weight && { weight }) }), [2, 4]],
  "dense without bias": [(weight) => dense(3, { bias: false, ...(weight && { weight }) }), [4]],
  "maxout": [(weight) => maxout(3, { ...(weight && { weight }) }), [4]],
  "conv1d": [(weight) => conv1d(4, 3, { stride: 2, padding: "same", groups: 2, ...(weight && { weight }) }), [2, 7]],
  "conv2d": [(weight) => conv2d(4, [2, 3], { dilation: [1, 2], padding: 1, ...(weight && { weight }) }), [3, 5, 6]],
  "conv3d": [(weight) => conv3d(2, 2, { bias: false, ...(weight && { weight }) }), [2, 3, 3, 4]],
};

for (const [name, [host, inputShape]] of Object.entries(hosts)) {
  Deno.test(`a product variant multiplies as its host does (${name})`, () => {
    const x = normal([3, ...inputShape], "x");
    const build = (layer: LayerPlugin) =>
      buildModel(sequential([layer, relu()]), { inputShape, seed: 1, dtype: "float64" });
    const [plain, model] = [build(host()), build(host(through()))];
    assertEquals(model.forward(x).toArray(), plain.forward(x).toArray());
  });

  Deno.test(`a product variant may give each example a weight of its own (${name})`, () => {
    const x = normal([3, ...inputShape], "x");
    const build = (layer: LayerPlugin) => buildModel(layer, { inputShape, seed: 1, dtype: "float64" });
    const [plain, model] = [build(host()), build(host(numbered()))];
    // The product is linear in weight and bias together, and so is the largest of several such products.
    const factor = Tensor.from(Float64Array.from([1, 2, 3]), [3]);
    const once = plain.forward(x);
    const expected = once.mul(factor.reshape([3, ...once.shape.slice(1).map(() => 1)]));
    const found = model.forward(x);
    assertEquals(found.shape, expected.shape);
    assertEquals(found.sub(expected).abs().max().item() < 1e-12, true);
  });
}

Deno.test("multiply() has the gradients of differences, with a weight and a bias for each example", () => {
  const maps = [
    { x: [2, 3, 4], weight: [5, 4], map: denseMultiply },
    { x: [2, 2, 5], weight: [4, 1, 3], map: convolutionMultiply({ groups: 2, stride: [2], padding: [[1, 0]] }) },
  ];
  for (const { x: shape, weight, map } of maps) {
    const operands = [normal(shape, "x"), normal([2, ...weight], "weight"), normal([2, weight[0]], "bias")];
    checkGradient(([x, weight, bias]) => map(x, weight, bias, "tanh"), operands);
  }
});

Deno.test("multiply() applies an activation, in one weight and in one for each example", () => {
  const [x, weight] = [normal([2, 3, 6], "x"), normal([4, 3, 2], "weight")];
  const map = convolutionMultiply({ stride: [2] });
  const expected = convolution(x, weight, null, { stride: [2], epilogue: "relu" });
  assertEquals(map(x, weight, null, "relu").toArray(), expected.toArray());
  const each = map(x, weight.broadcastTo([2, ...weight.shape]), null, "relu");
  assertEquals(each.sub(expected).abs().max().item() < 1e-12, true);
});

Deno.test("multiply() refuses weights that are not one for each example", () => {
  const weights = normal([2, 5, 4], "weight");
  assertThrows(() => denseMultiply(normal([3, 4], "x"), weights, null), ShapeError, "for each of 3 examples, found 2");
  const map = convolutionMultiply({});
  assertThrows(() => map(normal([3, 5, 4], "x"), normal([2, 5, 5, 2], "w"), null), ShapeError, "3 examples, found 2");
  assertThrows(() => map(normal([3, 5, 4], "x"), normal([2, 5, 2], "w"), normal([2, 2], "b")), ShapeError, "bias");
});
