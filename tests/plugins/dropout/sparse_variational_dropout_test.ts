/** Sparse variational dropout: the divergence's values, the moments of its outputs, the threshold, and that it thins out. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  adam,
  arrays,
  buildModel,
  conv2d,
  dense,
  fit,
  gradients,
  type LayerPlugin,
  linear,
  type Model,
  OptionError,
  relu,
  sequential,
  sparseVariationalDropout,
  type SparseVariationalDropoutOptions,
  sparsity,
  Tensor,
  warmUp,
} from "../../../mod.ts";
import { sparseDivergence } from "../../../plugins/dropout/sparse_variational_dropout.ts";
import { UNITS, weightHost } from "../../../testing/hosts.ts";
import { doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";
import { assign, covariance, drawn, exactDivergence, exactValues, needle, parameter } from "./_variational.ts";

const variant = (options: SparseVariationalDropoutOptions = {}) =>
  sparseVariationalDropout({ examples: 1000, ...options });

/** A dense layer of a given weight and noise. */
function denseWith(weight: number[][], logVariance: number[][], options?: SparseVariationalDropoutOptions) {
  const model = built(dense(weight.length, { weight: variant(options) }), [weight[0].length]);
  assign(model, { "weight": doubles(weight), "weight.log_variance": doubles(logVariance) });
  return model;
}

Deno.test("the divergence has the values that the paper's constants give", () => {
  const known = {
    "-8": 4.635899,
    "-4": 2.634208,
    "-2": 1.540533,
    "0": 0.431239,
    "2": 0.068417,
    "3": 0.02542,
    "8": 0.000168,
  };
  for (const [logAlpha, value] of Object.entries(known)) {
    assertAlmostEquals(sparseDivergence(doubles([Number(logAlpha)])).item(), value, 6e-7, logAlpha);
  }
});

Deno.test("the divergence is within 0.0095 of the exact one, farthest near log alpha of -3.5", () => {
  for (const [logAlpha, value] of Object.entries(exactValues)) {
    assertAlmostEquals(exactDivergence(Number(logAlpha)), value, 6e-7);
  }
  const grid = Array.from({ length: 121 }, (_, i) => -8 + i / 10);
  const found = sparseDivergence(doubles(grid)).floats;
  const gaps = grid.map((logAlpha, i) => Math.abs(found[i] - exactDivergence(logAlpha)));
  const largest = Math.max(...gaps);
  assert(largest < 0.0095 && largest > 0.009, `the largest gap is ${largest}`);
  assertAlmostEquals(grid[gaps.indexOf(largest)], -3.5, 0.5);
});

Deno.test("dense outputs have the mean and variance of noisy weights, and are independent of each other", () => {
  const [weight, logVariance] = [[[1, -2], [0.5, 3]], [[-1, -3], [-2, 0.5]]];
  const x = doubles([[1.5, -0.5]]);
  const model = denseWith(weight, logVariance);
  const [plain] = [built(dense(2), [2])];
  assign(plain, { weight: doubles(weight), bias: parameter(model, "bias") });
  const rows = 40000;
  for (const mode of ["train", "sample"] as const) {
    const y = drawn(model, x, rows, 3, mode);
    const means = y.mean(0).floats;
    const expected = plain.forward(x).floats;
    for (const unit of [0, 1]) {
      const variance = logVariance[unit].reduce((sum, log, i) => sum + Math.exp(log) * x.floats[i] ** 2, 0);
      assertNear(means[unit], expected[unit], Math.sqrt(variance / rows), `mean of unit ${unit}`);
      const found = covariance(y, unit, unit);
      assertNear(found.value, variance, variance * Math.sqrt(2 / rows), `variance of unit ${unit}`);
    }
    const between = covariance(y, 0, 1);
    assertNear(between.value, 0, between.standardError, "covariance of the units");
  }
});

Deno.test("a convolution's outputs have the mean and variance of noisy weights", () => {
  const options = { stride: 2, padding: 1, groups: 2 };
  const model = built(conv2d(2, 2, { ...options, weight: variant() }), [2, 3, 3]);
  const plain = built(conv2d(2, 2, options), [2, 3, 3]);
  const [weight, bias] = [random([2, 1, 2, 2], 1), random([2], 2)];
  const logVariance = random([2, 1, 2, 2], 3);
  assign(model, { weight, bias, "weight.log_variance": logVariance });
  assign(plain, { weight, bias });
  const x = random([1, 2, 3, 3], 4);
  const rows = 20000;
  const y = drawn(model, x, rows).reshape([rows, 8]);
  const expected = plain.forward(x).floats;
  assign(plain, { weight: logVariance.exp(), bias: bias.mul(0) });
  const variances = plain.forward(x.square()).floats;
  const means = y.mean(0).floats;
  for (let at = 0; at < 8; at++) {
    assertNear(means[at], expected[at], Math.sqrt(variances[at] / rows), `mean at ${at}`);
    assertNear(covariance(y, at, at).value, variances[at], variances[at] * Math.sqrt(2 / rows), `variance at ${at}`);
  }
});

Deno.test("at a weight site the weight itself is drawn, with the same mean and variance", () => {
  const model = built(weightHost({ variant: variant(), shape: [UNITS, 4] }), [1]);
  const logVariance = random([UNITS, 4], 5);
  assign(model, { "weight.log_variance": logVariance });
  const weight = parameter(model, "weight");
  const passes = 4000;
  const draws = Array.from({ length: passes }, (_, step) => {
    return model.forward(Tensor.zeros([1, 1], "float64"), { mode: "train", step }).reshape([1, UNITS * 4]);
  });
  const all = Tensor.concat(draws);
  const means = all.mean(0).floats;
  for (let at = 0; at < UNITS * 4; at++) {
    // log alpha is at most 8.
    const variance = Math.min(Math.exp(logVariance.floats[at]), Math.exp(8) * weight.floats[at] ** 2);
    assertNear(means[at], weight.floats[at], Math.sqrt(variance / passes), `mean of weight ${at}`);
    assertNear(covariance(all, at, at).value, variance, variance * Math.sqrt(2 / passes), `variance of weight ${at}`);
    if (at === 0) continue;
    const neighbours = covariance(all, at - 1, at);
    assertNear(neighbours.value, 0, neighbours.standardError, `covariance of weights ${at - 1} and ${at}`);
  }
});

Deno.test("without noise the layer is dense, in training and at evaluation", () => {
  const weight = [[1, -2, 0.001], [0.5, 3, -0.2]];
  const model = denseWith(weight, weight.map((row) => row.map(() => -80)));
  const plain = built(dense(2), [3]);
  assign(plain, { weight: doubles(weight), bias: parameter(model, "bias") });
  const x = random([5, 3], 6);
  for (const mode of ["train", "sample", "eval"] as const) {
    const gap = model.forward(x, mode === "eval" ? {} : { mode, step: 1 }).sub(plain.forward(x)).abs().max().item();
    assert(gap < 1e-7, `${mode}: ${gap}`);
  }
});

/** `log sigma^2` by which each weight has the given `log alpha`. */
function noiseFor(weight: number[][], logAlpha: number[][]): number[][] {
  return weight.map((row, u) => row.map((value, i) => logAlpha[u][i] + Math.log(value ** 2 + 1e-8)));
}

Deno.test("evaluation uses the weights below the threshold of 3 as they are, and no others", () => {
  const weight = [[1, -2, 0.5], [0.1, -3, 0.7]];
  const logAlpha = [[2.99, 3.01, -5], [8, 2, 3.5]];
  const kept = [[1, 0, 0.5], [0, -3, 0]];
  const x = random([4, 3], 7);
  const plain = built(dense(2), [3]);
  const check = (model: Model, expected: number[][]) => {
    assign(plain, { weight: doubles(expected), bias: parameter(model, "bias") });
    assertEquals(model.forward(x).toArray(), plain.forward(x).toArray());
  };
  check(denseWith(weight, noiseFor(weight, logAlpha)), kept);
  check(denseWith(weight, noiseFor(weight, logAlpha), { threshold: 2.5 }), [[0, 0, 0.5], [0, -3, 0]]);
  const host = built(weightHost({ variant: variant(), shape: [UNITS, 3] }), [1]);
  const all = parameter(host, "weight");
  assign(host, { "weight.log_variance": all.square().log().add(4) });
  assertEquals(host.forward(Tensor.zeros([1, 1], "float64")).abs().sum().item(), 0);
});

Deno.test("trainClip zeroes the means of such weights in training, and leaves their noise", () => {
  const [weight, logAlpha] = [[[1, -2]], [[-3, 4]]];
  const x = doubles([[0.7, 0.2]]);
  const rows = 40000;
  for (const trainClip of [false, true]) {
    const model = denseWith(weight, noiseFor(weight, logAlpha), { trainClip });
    const y = drawn(model, x, rows);
    const variance = Math.exp(-3) * 0.7 ** 2 + Math.exp(4) * 4 * 0.2 ** 2;
    const expected = parameter(model, "bias").item() + (trainClip ? 0.7 : 0.7 - 0.4);
    assertNear(y.mean().item(), expected, Math.sqrt(variance / rows), `mean with trainClip ${trainClip}`);
    assertNear(covariance(y, 0, 0).value, variance, variance * Math.sqrt(2 / rows), "variance");
  }
});

Deno.test("weights of 0 and inputs of 0 have finite gradients", () => {
  const model = denseWith([[0, 0]], [[-10, 20]]);
  const x = doubles([[0, 2]]);
  const inputs = [x.withGradient(), ...model.parameters().map(({ tensor }) => tensor)];
  const [y, penalty] = model.forwardWithPenalty(inputs[0], { mode: "train", step: 0 });
  const found = gradients(y.square().sum().add(penalty!), inputs);
  for (const gradient of found) assert(gradient.floats.every(Number.isFinite), gradient.toString());
});

Deno.test("units or inputs that share their noise go as a whole, and count as often as they have weights", () => {
  const weight = [[1, 2, 2], [0.1, 0.1, 0.2]];
  const squares = { unit: [[3], [0.02]], input: [[0.505, 2.005, 2.02]] };
  const logAlphas = { unit: [[1], [5]], input: [[-2, 4, 2]] };
  const kept = { unit: [[1, 2, 2], [0, 0, 0]], input: [[1, 0, 2], [0.1, 0, 0.2]] };
  for (const per of ["unit", "input"] as const) {
    const noise = squares[per].map((row, u) => row.map((value, i) => logAlphas[per][u][i] + Math.log(value + 1e-8)));
    const model = denseWith(weight, noise, { per, examples: 1 });
    const x = random([1, 3], 8);
    const plain = built(dense(2), [3]);
    assign(plain, { weight: doubles(kept[per]), bias: parameter(model, "bias") });
    assertEquals(model.forward(x).toArray(), plain.forward(x).toArray());
    const [, penalty] = model.forwardWithPenalty(x, { mode: "train", step: 0 });
    const times = per === "unit" ? 3 : 2;
    assertAlmostEquals(penalty!.item(), times * sparseDivergence(doubles(logAlphas[per])).sum().item(), 1e-9);
    // alpha is one number for the group, so a weight's variance goes with its square.
    const rows = 20000;
    const y = drawn(model, x, rows);
    for (const u of [0, 1]) {
      const variance = weight[u].reduce((sum, value, i) => {
        return sum +
          Math.exp(logAlphas[per][per === "unit" ? u : 0][per === "unit" ? 0 : i]) * (value * x.floats[i]) ** 2;
      }, 0);
      assertNear(covariance(y, u, u).value, variance, variance * Math.sqrt(2 / rows), `variance of unit ${u}, ${per}`);
    }
  }
});

Deno.test("the penalty is the divergence of all weights over the number of examples, times its weight of the moment", () => {
  const weight = [[1, -2], [0.5, 3]];
  const logAlpha = [[0, 1], [-4, 3]];
  const divergence = sparseDivergence(doubles(logAlpha)).sum().item();
  const model = denseWith(weight, noiseFor(weight, logAlpha), { examples: 50, klWeight: warmUp(2, { over: 4 }) });
  const at = (step: number) => {
    const progress = { step, stepsPerEpoch: 10, totalSteps: 100 };
    return model.forwardWithPenalty(random([3, 2], 9), { mode: "train", progress })[1]!.item();
  };
  assertEquals(at(0), 0);
  assertAlmostEquals(at(20), divergence / 50, 1e-9);
  assertAlmostEquals(at(70), 2 * divergence / 50, 1e-9);
});

Deno.test("the number of examples is the run's, and has to be given where there is none", () => {
  const model = built(dense(1, { weight: sparseVariationalDropout() }), [2]);
  const x = random([3, 2], 10);
  const penalty = (examples?: number) => {
    const progress = { step: 0, stepsPerEpoch: 1, totalSteps: 1, ...(examples === undefined ? {} : { examples }) };
    return model.forwardWithPenalty(x, { mode: "train", progress })[1]!.item();
  };
  assertAlmostEquals(penalty(10), 10 * penalty(100), 1e-12);
  assertThrows(() => penalty(), OptionError, "examples: expected the number of training examples");
});

for (const per of ["weight", "input"] as const) {
  Deno.test(`training keeps the inputs that matter and zeroes the others (per ${per})`, async () => {
    const model: LayerPlugin = dense(1, { weight: sparseVariationalDropout({ per, logVariance: -4, klWeight: 3 }) });
    const run = await fit(model, {
      data: arrays({ train: needle(), test: needle() }),
      optimizer: adam({ learningRate: linear({ from: 0.02, to: 0 }) }),
      epochs: 300,
      batchSize: 64,
      seed: 1,
    });
    const { layers, weights, kept, compression } = sparsity(run.model);
    assertEquals(layers.map(({ path }) => path), ["weight"]);
    assertEquals([weights, kept, compression], [20, 2, 10]);
    assert(run.testError < 0.2, `the error is ${run.testError}`);
  });
}

Deno.test("sparsity() counts each layer and all of them, and other layers not at all", () => {
  const layers = [
    conv2d(2, 2, { weight: variant({ logVariance: 30 }) }),
    relu(),
    conv2d(3, 1, { weight: variant({ logVariance: -30 }) }),
    conv2d(1, 2),
  ];
  const model = buildModel(sequential(layers), { inputShape: [1, 4, 4], seed: 1 });
  assertEquals(sparsity(model), {
    weights: 14,
    kept: 6,
    sparsity: 8 / 14,
    compression: 14 / 6,
    layers: [
      { path: "0.weight", weights: 8, kept: 0, sparsity: 1 },
      { path: "2.weight", weights: 6, kept: 6, sparsity: 0 },
    ],
  });
  assertEquals(sparsity(buildModel(dense(2), { inputShape: [3] })).layers, []);
});

Deno.test("wrong options are refused, with their range", () => {
  const wrong: [SparseVariationalDropoutOptions, string][] = [
    [{ threshold: 8.5 }, "threshold: expected a number of at most 8"],
    [{ klWeight: -1 }, "klWeight: expected a number of at least 0"],
    [{ examples: 0 }, "examples: expected a number of at least 1"],
    [{ logVariance: NaN }, "logVariance"],
    [{ per: "layer" as "unit" }, "per"],
  ];
  for (const [options, message] of wrong) assertThrows(() => sparseVariationalDropout(options), OptionError, message);
});
