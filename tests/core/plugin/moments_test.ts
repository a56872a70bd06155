/** Means and variances in place of samples. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  buildModel,
  gradients,
  Key,
  type LayerPlugin,
  noGrad,
  PluginError,
  type Shape,
  Tensor,
} from "../../../core/mod.ts";
import {
  alphaDropout,
  batchNorm,
  concreteDropout,
  conv2d,
  dense,
  dropConnect,
  dropout,
  flatten,
  gaussianDropout,
  gelu,
  leakyRelu,
  relu,
  sequential,
  sigmoid,
  tanh,
} from "../../../plugins/mod.ts";
import { random } from "../_tensors.ts";

const built = (layer: LayerPlugin, inputShape: Shape) => buildModel(layer, { inputShape, seed: 1, dtype: "float64" });

/** Mean and variance of each entry of the output over passes. */
function sampled(layer: LayerPlugin, x: Tensor, passes: number): [Float64Array, Float64Array] {
  const model = built(layer, x.shape.slice(1));
  const [sum, squares] = [new Float64Array(0), new Float64Array(0)];
  let [all, square] = [sum, squares];
  for (let step = 0; step < passes; step++) {
    const y = noGrad(() => model.forward(x, { mode: "sample", step })).floats;
    if (all.length === 0) [all, square] = [new Float64Array(y.length), new Float64Array(y.length)];
    y.forEach((value, i) => {
      all[i] += value;
      square[i] += value * value;
    });
  }
  const mean = all.map((value) => value / passes);
  return [mean, square.map((value, i) => value / passes - mean[i] ** 2)];
}

Deno.test("moments through dropout and a dense layer are exact: those of many samples within their errors", () => {
  const layer = sequential([dropout({ rate: 0.3 }), dense(5)]);
  const x = random([2, 30], 1);
  const found = built(layer, [30]).moments(x, { mode: "sample", step: 0 });
  const passes = 20000;
  const [mean, variance] = sampled(layer, x, passes);
  mean.forEach((value, i) => {
    const spread = found.variance.floats[i];
    // Five standard errors: wrong once in 1.7 million for each entry.
    assert(Math.abs(value - found.mean.floats[i]) < 5 * Math.sqrt(spread / passes), `mean ${i}`);
    assert(Math.abs(variance[i] / spread - 1) < 5 * Math.sqrt(2 / passes) * 1.2, `variance ${i}`);
  });
});

Deno.test("moments through ReLU are those of a clipped normal number, by hand", () => {
  // E max(z, 0) = 1 / sqrt(2 pi), E max(z, 0)^2 = 1/2 for a standard normal z.
  const at = (mean: number, variance: number) => {
    const moments = { mean: Tensor.of([[mean]], "float64"), variance: Tensor.of([[variance]], "float64") };
    const found = built(relu(), [1]).moments(moments);
    return [found.mean.item(), found.variance.item()];
  };
  const [mean, variance] = at(0, 1);
  assertAlmostEquals(mean, 1 / Math.sqrt(2 * Math.PI), 1e-9);
  assertAlmostEquals(variance, 0.5 - 1 / (2 * Math.PI), 1e-9);
  const [far, spread] = at(20, 4);
  assertAlmostEquals(far, 20, 1e-9);
  assertAlmostEquals(spread, 4, 1e-6);
  assertEquals(at(3, 0), [3, 0]);
  assertEquals(at(-3, 0), [0, 0]);
});

Deno.test("moments travel through dropout, dense, ReLU and flatten, close to those of many samples", () => {
  const layer = sequential([flatten(), dropout({ rate: 0.2 }), dense(60), relu(), dropout({ rate: 0.5 }), dense(3)]);
  const x = Tensor.uniform([2, 5, 8], Key.seed(4), "float64");
  const found = built(layer, [5, 8]).moments(x, { mode: "sample", step: 0 });
  const [mean, variance] = sampled(layer, x, 4000);
  mean.forEach((value, i) => {
    const deviation = Math.sqrt(variance[i]);
    // Hidden units are correlated and not quite normal: a tenth of a deviation, and a quarter of the variance.
    assert(Math.abs(value - found.mean.floats[i]) < 0.1 * deviation, `mean ${i}: ${value}, ${found.mean.floats[i]}`);
    assert(Math.abs(found.variance.floats[i] / variance[i] - 1) < 0.25, `variance ${i}`);
  });
});

Deno.test("moments at evaluation are the plain pass with no variance, and gradients flow through them", () => {
  const model = built(sequential([alphaDropout(), dense(4), relu(), dense(2)]), [6]);
  const x = random([3, 6], 2);
  const { mean, variance } = model.moments(x);
  const plain = model.forward(x);
  mean.floats.forEach((value, i) => assertAlmostEquals(value, plain.floats[i], 1e-12));
  variance.floats.forEach((value) => assertAlmostEquals(value, 0, 1e-12));
  assert(mean.requiresGradient);
});

Deno.test("alpha dropout keeps mean 0 and variance 1 in its moments, as its paper says", () => {
  const moments = { mean: Tensor.zeros([1, 3], "float64"), variance: Tensor.ones([1, 3], "float64") };
  const found = built(alphaDropout({ rate: 0.25 }), [3]).moments(moments, { mode: "train", step: 0 });
  found.mean.floats.forEach((value) => assertAlmostEquals(value, 0, 1e-12));
  found.variance.floats.forEach((value) => assertAlmostEquals(value, 1, 1e-12));
});

Deno.test("a layer or variant without moments refuses by name and place", () => {
  const at = (layer: LayerPlugin) => () => built(sequential([dense(2), layer]), [3]).moments(random([1, 3], 1));
  assertThrows(at(gelu()), PluginError, "model.1 (gelu): has no moments");
  assertThrows(at(concreteDropout()), PluginError, "model.1 (concrete-dropout): has no moments");
  assertThrows(at(dense(2, { weight: dropConnect() })), PluginError, "model.1 (dense): has no moments with a variant");
});

/** Mean and variance of each function of a normal number, by the sum over a fine grid. */
function integrated(f: (x: number) => number, mean: number, variance: number): [number, number] {
  let [weights, sum, squares] = [0, 0, 0];
  for (let z = -9; z <= 9; z += 0.001) {
    const [weight, y] = [Math.exp(-z * z / 2), f(mean + Math.sqrt(variance) * z)];
    weights += weight;
    sum += weight * y;
    squares += weight * y * y;
  }
  return [sum / weights, squares / weights - (sum / weights) ** 2];
}

Deno.test("moments through sigmoid, tanh and leaky ReLU are near those of integration, at means from -6 to 6 and variances to 100", () => {
  const cases: [LayerPlugin, (x: number) => number, number][] = [
    [sigmoid(), (x) => 1 / (1 + Math.exp(-x)), 0.016],
    [tanh(), Math.tanh, 0.032], // twice the sigmoid, four times its variance
    [leakyRelu({ negativeSlope: 0.2 }), (x) => x > 0 ? x : 0.2 * x, 1e-3], // exact but for the grid at the kink
  ];
  for (const [layer, f, error] of cases) {
    for (const mean of [-6, -2.5, -1, 0, 0.3, 2, 6]) {
      for (const variance of [0.01, 0.5, 4, 100]) {
        const x = { mean: Tensor.of([[mean]], "float64"), variance: Tensor.of([[variance]], "float64") };
        const found = built(layer, [1]).moments(x);
        const [m, v] = integrated(f, mean, variance);
        assertAlmostEquals(found.mean.item(), m, error, `${layer.plugin} ${mean} ${variance}`);
        assertAlmostEquals(found.variance.item(), v, 4 * error, `${layer.plugin} ${mean} ${variance}`);
      }
    }
    const plain = built(layer, [1]).moments(Tensor.of([[0.7]], "float64"));
    assertAlmostEquals(plain.mean.item(), f(0.7), 1e-9);
    assertAlmostEquals(plain.variance.item(), 0, 1e-12);
  }
});

Deno.test("moments through Gaussian dropout and a convolution are exact: those of many samples within their errors", () => {
  const layer = sequential([gaussianDropout({ rate: 0.4 }), conv2d(4, 2, { padding: 1, stride: 2, groups: 2 })]);
  const x = random([2, 2, 3, 3], 6);
  const found = built(layer, [2, 3, 3]).moments(x, { mode: "sample", step: 0 });
  const passes = 10000;
  const [mean, variance] = sampled(layer, x, passes);
  mean.forEach((value, i) => {
    const spread = found.variance.floats[i];
    // Five standard errors: wrong once in 1.7 million for each entry.
    assert(Math.abs(value - found.mean.floats[i]) < 5 * Math.sqrt(spread / passes) + 1e-12, `mean ${i}`);
    assert(Math.abs(variance[i] - spread) < 5 * Math.sqrt(2 / passes) * 1.2 * spread + 1e-12, `variance ${i}`);
  });
  const still = built(gaussianDropout({ rate: 0 }), [2]).moments(random([1, 2], 7), { mode: "train", step: 0 });
  assertEquals(still.variance.toArray(), [[0, 0]]);
});

Deno.test("moments through batch norm are those of many samples, in training with the batch's statistics over all draws", () => {
  const layer = sequential([dropout({ rate: 0.3 }), batchNorm({ epsilon: 0.1 })]);
  const x = random([400, 3], 8);
  const model = built(layer, [3]);
  const found = model.moments(x, { mode: "train", step: 0 });
  // Each channel of the whole has mean 0, and its variance is 1 but for epsilon.
  const total = found.mean.square().add(found.variance).mean(0).floats;
  found.mean.mean(0).floats.forEach((value) => assertAlmostEquals(value, 0, 1e-12));
  const running = model.state().get("1.variance")!.floats;
  total.forEach((value, i) => {
    const batch = (running[i] - 0.9) / 0.1 * 399 / 400;
    assertAlmostEquals(value, batch / (batch + 0.1), 1e-6);
  });
  // The variance of a batch of 400 under one draw is that within a few standard errors of about 0.1.
  const drawn = built(layer, [3]);
  drawn.forward(x, { mode: "train", step: 0 });
  drawn.state().get("1.variance")!.floats.forEach((value, i) => assertAlmostEquals(value, running[i], 0.05));
  // With running statistics it is a linear layer.
  const fixed = model.moments(x.slice([0, 0], [2, 3]), { mode: "sample", step: 0 });
  const plain = model.forward(x.slice([0, 0], [2, 3]));
  fixed.mean.floats.forEach((value, i) => assertAlmostEquals(value, plain.floats[i], 1e-4));
});

Deno.test("the gradient through a rectifier whose input has no variance is finite in float32", () => {
  const model = buildModel(sequential([dense(5), relu(), dropout(), dense(1)]), { inputShape: [3], seed: 1 });
  const { mean, variance } = model.moments(Tensor.of([[1, -2, 0], [0, 0, 0]]), { mode: "train", step: 0 });
  const parameters = model.parameters().map(({ tensor }) => tensor);
  for (const gradient of gradients(mean.sum().add(variance.sum()), parameters)) {
    assert(gradient.floats.every(Number.isFinite));
  }
});
