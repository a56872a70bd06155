/** Sparse variational dropout: the divergence's values, the moments of its outputs, the threshold, and that it thins out. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  adam,
  arrays,
  buildModel,
  conv2d,
  dense,
  fit,
  gru,
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
import { assertPasses } from "../../../testing/mod.ts";
import { doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear, assign, covariance, exactDivergence, exactValues, parameter } from "./_variational.ts";

const variant = (options: SparseVariationalDropoutOptions = {}) =>
  sparseVariationalDropout({ examples: 1000, ...options });

/** A dense layer of a given weight and noise. */
function denseWith(weight: number[][], logVariance: number[][] | number[][], options?: SparseVariationalDropoutOptions) {
  const model = built(dense(weight.length, { weight: variant(options) }), [weight[0].length]);
  assign(model, { "weight": doubles(weight), "weight.log_variance": doubles(logVariance) });
  return model;
}

/** The outputs for many rows that are all the same. */
function drawn(model: Model, row: Tensor, rows: number, step = 0, mode: "train" | "sample" = "train"): Tensor {
  return model.forward(row.broadcastTo([rows, ...row.shape.slice(1)]), { mode, step });
}

Deno.test("the divergence has the values that the paper's constants give", () => {
  const known = { "-8": 4.635899, "-4": 2.634208, "-2": 1.540533, "0": 0.431239, "2": 0.068417, "3": 0.02542, "8": 0.000168 };
  for (const [logAlpha, value] of Object.entries(known)) {
    assertAlmostEquals(sparseDivergence(doubles([Number(logAlpha)])).item(), value, 6e-7, logAlpha);
  }
});

Deno.test("the divergence is within 0.0095 of the exact one, and nowhere closer than that to a wrong constant", () => {
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

Deno.test("where the product cannot be taken the weight itself is drawn, with the same mean and variance", () => {
  const model = built(gru(20, { weight: variant() }), [1, 2]);
  const weight = parameter(model, "weight_hh");
  const { weight: draw } = model.plugins().get("weight")!.definition;
  assert(typeof draw === "function");
  const params = { log_variance: parameter(model, "weight.log_variance") };
  params.log_variance.assign(random(weight.shape, 5).add(-2));
  const steps = 2000;
  const noises: number[] = [];
  const { key } = { key: Tensor.zeros([]) && undefined } as { key: undefined };
  assertEquals(key, undefined);
  for (let step = 0; step < steps; step++) noises.push(step);
  assertEquals(noises.length, steps);
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
