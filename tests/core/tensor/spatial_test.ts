/** Convolution, pooling and normalisation: values computed by hand, gradients against differences, and refusals. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  averagePool,
  convolution,
  type ConvolutionOptions,
  epilogues,
  gradients,
  localResponse,
  maxPool,
  normalize,
  type NormalizeOptions,
  OptionError,
  type PoolWindow,
  type Shape,
  ShapeError,
  Tensor,
} from "../../../core/mod.ts";
import { checkGradient } from "../../../testing/mod.ts";
import { apart, between, doubles, random } from "../_tensors.ts";

/** Shapes of input and weight, and how the window moves. */
const convolutions: [Shape, Shape, ConvolutionOptions][] = [
  [[2, 3, 7], [4, 3, 3], {}],
  [[1, 1, 1], [1, 1, 1], {}],
  [[0, 2, 5], [3, 2, 2], {}],
  [[2, 4, 6], [6, 2, 3], { stride: [2], padding: [[2, 0]], groups: 2 }],
  [[2, 2, 5, 4], [3, 2, 3, 2], { stride: [2, 1], padding: [[1, 1], [0, 2]] }],
  [[1, 1, 7, 7], [2, 1, 2, 3], { stride: [3, 2], dilation: [2, 3], padding: [[0, 1], [2, 2]] }],
  [[1, 3, 4, 4], [3, 1, 3, 3], { groups: 3, padding: [[1, 1], [1, 1]] }],
  [[2, 2, 3, 4, 3], [2, 2, 2, 3, 2], { stride: [1, 2, 2], padding: [[1, 0], [1, 1], [0, 1]], dilation: [2, 1, 1] }],
];

Deno.test("convolution has the gradients that central differences give, over one to three axes", () => {
  convolutions.forEach(([x, weight, options], seed) => {
    const bias = random([weight[0]], seed + 200);
    const points = [random(x, seed), random(weight, seed + 100), bias];
    checkGradient(([x, weight, bias]) => convolution(x, weight, bias, options), points, { seed });
    checkGradient(([x, weight]) => convolution(x, weight, null, options), points.slice(0, 2), { seed });
  });
});

Deno.test("convolution with an activation is the convolution followed by it, with its gradients", () => {
  const [x, weight, bias] = [random([2, 2, 4, 3], 1), random([3, 2, 2, 2], 2), random([3], 3)];
  for (const epilogue of epilogues) {
    const leaves = [x, weight, bias].map((tensor) => tensor.withGradient());
    const plain = convolution(leaves[0], leaves[1], leaves[2]);
    const expected = epilogue === "none" ? plain : plain[epilogue]();
    const fused = convolution(leaves[0], leaves[1], leaves[2], { epilogue });
    assertEquals(fused.toArray(), expected.toArray());
    const upstream = random(fused.shape, 4);
    gradients(fused, leaves, upstream).forEach((found, i) => {
      const wanted = gradients(expected, leaves, upstream)[i];
      found.floats.forEach((value, at) => assertAlmostEquals(value, wanted.floats[at], 1e-12));
    });
  }
});

Deno.test("convolution is a sum of products under each window, as written out", () => {
  for (const [xShape, weightShape, options] of convolutions.filter(([x]) => x.length === 4)) {
    const [x, weight] = [random(xShape, 5), random(weightShape, 6)];
    const { groups = 1, stride = [1, 1], dilation = [1, 1], padding = [[0, 0], [0, 0]] } = options;
    const found = convolution(x, weight, null, options);
    const [batch, outputs, height, width] = found.shape;
    const at = (b: number, c: number, row: number, col: number) =>
      row < 0 || col < 0 || row >= xShape[2] || col >= xShape[3]
        ? 0
        : x.floats[((b * xShape[1] + c) * xShape[2] + row) * xShape[3] + col];
    let place = 0;
    for (let b = 0; b < batch; b++) {
      for (let o = 0; o < outputs; o++) {
        const first = Math.floor(o / (outputs / groups)) * weightShape[1];
        for (let row = 0; row < height; row++) {
          for (let col = 0; col < width; col++) {
            let sum = 0;
            for (let c = 0; c < weightShape[1]; c++) {
              for (let i = 0; i < weightShape[2]; i++) {
                for (let j = 0; j < weightShape[3]; j++) {
                  const factor = weight.floats[((o * weightShape[1] + c) * weightShape[2] + i) * weightShape[3] + j];
                  const y = row * stride[0] - padding[0][0] + i * dilation[0];
                  sum += factor * at(b, first + c, y, col * stride[1] - padding[1][0] + j * dilation[1]);
                }
              }
            }
            assertAlmostEquals(found.floats[place++], sum, 1e-12);
          }
        }
      }
    }
  }
});

Deno.test("convolution refuses operands that do not fit, and says what it found", () => {
  const x = doubles([[[1, 2, 3]]]);
  assertThrows(() => convolution(x, random([1, 2, 1], 0), null), ShapeError, "in 1 groups");
  assertThrows(() => convolution(x, random([1, 1, 4], 0), null), ShapeError, "a window that spans 4 does not fit");
  assertThrows(() => convolution(x, random([1, 1, 1], 0), random([2], 0)), ShapeError, "bias of shape [1]");
  assertThrows(() => convolution(x, random([1, 1, 1], 0), null, { stride: [0] }), OptionError, "stride");
  assertThrows(() => convolution(x, random([1, 1, 1], 0), null, { padding: [[-1, 0]] }), OptionError, "padding");
  assertThrows(
    () => convolution(doubles([[1, 2]]), random([1, 2], 0), null),
    ShapeError,
    "[batch, inputs, ...spatial]",
  );
  assertThrows(() => convolution(x, Tensor.ones([1, 1, 1]), null), OptionError, "operands of one type");
});

const pools: [Shape, PoolWindow][] = [
  [[2, 3, 7], { kernel: [3], stride: [2], padding: [[1, 1]] }],
  [[1, 1, 1], { kernel: [1] }],
  [[0, 2, 4], { kernel: [2] }],
  [[1, 2, 1], { kernel: [2], padding: [[1, 1]] }],
  [[2, 1, 5, 4], { kernel: [3, 2], stride: [1, 3], padding: [[1, 0], [1, 1]] }],
  [[1, 2, 3, 4, 3], { kernel: [2, 2, 3], stride: [2, 1, 1], padding: [[1, 1], [0, 1], [1, 0]] }],
];

Deno.test("maxPool and averagePool have the gradients that central differences give", () => {
  pools.forEach(([shape, window], seed) => {
    checkGradient(([x]) => maxPool(x, window), [apart(shape, seed)], { seed });
    checkGradient(([x]) => averagePool(x, window), [random(shape, seed)], { seed });
    checkGradient(([x]) => averagePool(x, window, false), [random(shape, seed)], { seed });
  });
});

Deno.test("maxPool() gives the gradient to the first among equals and never picks padding", () => {
  const x = doubles([[[-5, -2, -2, -7]]]).withGradient();
  const y = maxPool(x, { kernel: [2], stride: [1], padding: [[1, 1]] });
  assertEquals(y.toArray(), [[[-5, -2, -2, -2, -7]]]);
  assertEquals(gradients(y.sum(), [x])[0].toArray(), [[[1, 2, 1, 1]]]);
});

Deno.test("averagePool() divides by all taps, or by those inside", () => {
  const x = doubles([[[3, 6, 9]]]);
  const window = { kernel: [3], stride: [2], padding: [[1, 1]] } as const;
  assertEquals(averagePool(x, window).toArray(), [[[3, 5]]]);
  assertEquals(averagePool(x, window, false).toArray(), [[[4.5, 7.5]]]);
});

Deno.test("pooling refuses padding beyond half of the window", () => {
  const x = doubles([[[3, 6, 9]]]);
  assertThrows(() => maxPool(x, { kernel: [3], padding: [[2, 0]] }), OptionError, "at most half of the window, 1");
  assertThrows(() => averagePool(x, { kernel: [1], padding: [[0, 1]] }), OptionError, "at most half of the window, 0");
  assertThrows(() => maxPool(doubles([[1]]), { kernel: [] }), ShapeError, "one to three spatial axes");
});

const norms: [Shape, NormalizeOptions][] = [
  [[4, 3], { over: "channel" }],
  [[3, 2, 5], { over: "channel" }],
  [[2, 3, 2, 2], { over: "channel" }],
  [[0, 3], { over: "channel" }],
  [[3, 5], { over: "trailing" }],
  [[2, 3, 4], { over: "trailing", count: 2 }],
  [[0, 4], { over: "trailing" }],
  [[2, 6, 3], { over: "group", count: 3 }],
  [[2, 4], { over: "group", count: 2 }],
  [[1, 2, 1, 3], { over: "group", count: 1 }],
];

Deno.test("normalize() has the gradients that central differences give, with and without scale and shift", () => {
  norms.forEach(([shape, options], seed) => {
    const affine = options.over === "trailing" ? shape.slice(-(options.count ?? 1)) : [shape[1]];
    const points = [random(shape, seed), random(affine, seed + 100), random(affine, seed + 200)];
    checkGradient(([x, scale, shift]) => normalize(x, { ...options, scale, shift }).output, points, { seed });
    checkGradient(([x]) => normalize(x, options).output, points.slice(0, 1), { seed });
    checkGradient(([x, shift]) => normalize(x, { ...options, shift }).output, [points[0], points[2]], { seed });
  });
});

Deno.test("normalize() with given statistics has the gradients that central differences give", () => {
  for (const shape of [[4, 3], [2, 3, 5]]) {
    const given = { mean: random([3], 1), variance: between(0.5, 2, [3], 2) };
    const points = [random(shape, 3), random([3], 4), random([3], 5)];
    checkGradient(([x, scale, shift]) => normalize(x, { over: "channel", scale, shift, given }).output, points);
  }
});

Deno.test("normalize() gives mean 0 and variance 1 over what it is asked for", () => {
  const x = random([6, 4, 5], 7).mul(3).add(10);
  for (const [over, count, axes] of [["channel", 1, [0, 2]], ["trailing", 1, [2]], ["trailing", 2, [1, 2]]] as const) {
    const { output } = normalize(x, { over, count, epsilon: 0 });
    for (const value of output.mean(axes).floats) assertAlmostEquals(value, 0, 1e-12);
    for (const value of output.square().mean(axes).floats) assertAlmostEquals(value, 1, 1e-12);
  }
});

Deno.test("normalize() refuses what does not fit", () => {
  const x = random([2, 6], 0);
  assertThrows(() => normalize(x, { over: "group", count: 4 }), ShapeError, "6 channels cannot be split into 4 groups");
  assertThrows(() => normalize(x, { over: "trailing", count: 2 }), ShapeError, "more than 2 axes");
  assertThrows(() => normalize(x, { over: "channel", scale: random([5], 0) }), ShapeError, "of shape [6]");
  assertThrows(() => normalize(x, { over: "channel", epsilon: -1 }), OptionError, "at least 0");
});

Deno.test("localResponse() is its formula, with its gradient, for even and odd sizes", () => {
  const options = { alpha: 0.3, beta: 0.6, k: 1.5 };
  const x = random([2, 5, 3], 1);
  for (const size of [1, 2, 3, 4, 7]) {
    const y = localResponse(x, { size, ...options });
    y.floats.forEach((value, at) => {
      const [b, c, p] = [Math.floor(at / 15), Math.floor(at / 3) % 5, at % 3];
      let sum = 0;
      for (let j = c - Math.floor(size / 2); j <= c + Math.floor((size - 1) / 2); j++) {
        if (j >= 0 && j < 5) sum += x.floats[(b * 5 + j) * 3 + p] ** 2;
      }
      assertAlmostEquals(value, x.floats[at] / (1.5 + 0.3 / size * sum) ** 0.6, 1e-12);
    });
    checkGradient(([x]) => localResponse(x, { size, ...options }), [x]);
  }
  checkGradient(([x]) => localResponse(x, { size: 3, ...options }), [random([0, 4, 2], 2)]);
});
