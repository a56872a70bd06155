/** Gaussian variational dropout: both types' moments, the divergence, the bound of alpha, and that the noise is learned. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  adam,
  arrays,
  conv1d,
  conv2d,
  dense,
  fit,
  gaussianVariationalDropout,
  type GaussianVariationalDropoutOptions,
  linear,
  type Model,
  OptionError,
  Tensor,
  warmUp,
} from "../../../mod.ts";
import { gaussianDivergence } from "../../../plugins/dropout/gaussian_variational_dropout.ts";
import { UNITS, weightHost } from "../../../testing/hosts.ts";
import { doubles, random } from "../../core/_tensors.ts";
import { built } from "../_apply.ts";
import { assertNear } from "./_near.ts";
import { assign, covariance, drawn, exactDivergence, needle, parameter } from "./_variational.ts";

const variant = (options: GaussianVariationalDropoutOptions = {}) =>
  gaussianVariationalDropout({ examples: 1000, ...options });

const types = ["A", "B"] as const;

/** A dense layer of a given weight, without bias. */
function denseWith(weight: number[][], options: GaussianVariationalDropoutOptions): Model {
  const model = built(dense(weight.length, { bias: false, weight: variant(options) }), [weight[0].length]);
  assign(model, { "weight": doubles(weight) });
  return model;
}

for (const type of types) {
  for (const mode of ["train", "sample"] as const) {
    Deno.test(`type ${type} has the known mean, variances and covariance in mode ${mode}`, () => {
      const model = denseWith([[1, -1], [0.5, 2]], { type, rate: 0.2 });
      const rows = 40000;
      const y = drawn(model, doubles([[1, 2]]), rows, 2, mode);
      const variances = [1.25, 4.0625];
      y.mean(0).floats.forEach((mean, unit) => {
        assertNear(mean, [-1, 4.5][unit], Math.sqrt(variances[unit] / rows), `mean of output ${unit}`);
      });
      for (const unit of [0, 1]) {
        const found = covariance(y, unit, unit);
        assertNear(found.value, variances[unit], variances[unit] * Math.sqrt(2 / rows), `variance of output ${unit}`);
      }
      const between = covariance(y, 0, 1);
      assertNear(between.value, type === "A" ? -1.875 : 0, between.standardError, "covariance of the outputs");
    });
  }

  Deno.test(`type ${type} without noise is the plain layer, and evaluation always is`, () => {
    const x = random([5, 3], 1);
    const weight = [[1, -2, 0.1], [0, 3, 1]];
    const plain = built(dense(2, { bias: false }), [3]);
    assign(plain, { weight: doubles(weight) });
    const model = denseWith(weight, { type });
    assertEquals(model.forward(x).toArray(), plain.forward(x).toArray());
    assign(model, { "weight.log_precision": Tensor.full([1, 1], 80, "float64") });
    const gap = model.forward(x, { mode: "train", step: 0 }).sub(plain.forward(x)).abs().max().item();
    assert(gap < 1e-7, String(gap));
  });

  Deno.test(`type ${type} learns much noise on inputs that do not matter, none above alpha = 1, and little on the others`, async () => {
    const run = await fit(dense(1, { weight: gaussianVariationalDropout({ type, per: "input", rate: 0.3 }) }), {
      data: arrays({ train: needle(), test: needle() }),
      optimizer: adam({ learningRate: linear({ from: 0.05, to: 0 }) }),
      epochs: 150,
      batchSize: 64,
      seed: 1,
    });
    const alpha = parameter(run.model, "weight.log_precision").floats.map((precision) => Math.exp(-precision));
    assert(alpha[0] < 0.02 && alpha[1] < 0.05, `${alpha}`);
    assert(alpha.slice(2).filter((value) => value > 0.9).length >= 16, `${alpha}`);
    assert(alpha.every((value) => value <= 1), `${alpha}`);
  });
}

Deno.test("the divergence lacks the known difference to the exact one", () => {
  const limit = 0.5 * (0.5772156649015329 + Math.LN2);
  assertAlmostEquals(limit, 0.635181, 1e-6);
  const grid = Array.from({ length: 81 }, (_, i) => -8 + i / 10);
  const found = gaussianDivergence(doubles(grid.map(Math.exp))).floats;
  const constants = grid.map((logAlpha, i) => exactDivergence(logAlpha) - found[i] + limit);
  assertAlmostEquals(constants[0], 0.635403, 1e-6);
  assertAlmostEquals(Math.min(...constants), 0.635403, 1e-6);
  assertAlmostEquals(Math.max(...constants), 0.675521, 1e-5);
});

Deno.test("the divergence has the values that the paper's constants give", () => {
  const values = gaussianDivergence(doubles([1, 0.5, 0.1])).floats;
  [0.38947215166222415, 0.7032522857761514, 1.6847629576774292].forEach((value, i) =>
    assertAlmostEquals(values[i], value, 1e-9)
  );
});

Deno.test("noise may be that of a layer, an output, an input or a weight", () => {
  const weight = [[1, -2, 0.5], [0.3, 1, -1]];
  const precisions = {
    layer: [[1]],
    unit: [[0.5], [2]],
    input: [[0, 1, 3]],
    weight: [[0, 1, 2], [3, 0.5, 0.2]],
  };
  const x = doubles([[1, -0.5, 2]]);
  const rows = 20000;
  for (const [per, values] of Object.entries(precisions)) {
    for (const type of per === "layer" || per === "input" ? types : ["B" as const]) {
      const model = denseWith(weight, { type, per: per as "unit" });
      assign(model, { "weight.log_precision": doubles(values) });
      const y = drawn(model, x, rows);
      weight.forEach((row, u) => {
        const variance = row.reduce((sum, value, i) => {
          const precision = values[values.length > 1 ? u : 0][values[0].length > 1 ? i : 0];
          return sum + Math.exp(-precision) * (value * x.floats[i]) ** 2;
        }, 0);
        const found = covariance(y, u, u);
        assertNear(
          found.value,
          variance,
          variance * Math.sqrt(2 / rows),
          `variance of output ${u}, ${type} per ${per}`,
        );
      });
    }
  }
});

Deno.test("type A in a convolution gives a channel of an example one noise for all places, in all groups", () => {
  const [layer, plain] = [{ weight: variant({ type: "A", per: "input" }) }, {}].map((options) =>
    built(conv1d(4, 1, { groups: 2, bias: false, ...options }), [4, 2])
  );
  const precision = doubles([[[0], [1.5]]]);
  const weight = random([4, 2, 1], 2);
  assign(layer, { weight, "weight.log_precision": precision });
  assign(plain, { weight });
  const x = random([1, 4, 2], 3);
  const rows = 20000;
  const y = drawn(layer, x, rows).reshape([rows, 8]);
  const expected = plain.forward(x).floats;
  const alpha = [1, Math.exp(-1.5)];
  for (let output = 0; output < 4; output++) {
    const group = output < 2 ? 0 : 1;
    const shares = (place: number) =>
      [0, 1].map((i) => weight.floats[2 * output + i] * x.floats[2 * (2 * group + i) + place]);
    const [first, second] = [shares(0), shares(1)];
    const between = alpha.reduce((sum, value, i) => sum + value * first[i] * second[i], 0);
    const found = covariance(y, 2 * output, 2 * output + 1);
    assertNear(found.value, between, found.standardError, `covariance of the places of channel ${output}`);
    const variance = alpha.reduce((sum, value, i) => sum + value * first[i] ** 2, 0);
    assertNear(y.mean(0).floats[2 * output], expected[2 * output], Math.sqrt(variance / rows), `mean of ${output}`);
  }
});

Deno.test("type B in a convolution draws each place by itself, with the variance of noisy weights", () => {
  const options = { padding: 1, bias: false };
  const [layer, plain] = [{ weight: variant({ rate: 0.2 }) }, {}].map((more) =>
    built(conv2d(1, 2, { ...options, ...more }), [2, 2, 2])
  );
  const weight = random([1, 2, 2, 2], 4);
  const x = random([1, 2, 2, 2], 5);
  assign(layer, { weight });
  assign(plain, { weight: weight.square() });
  const variances = plain.forward(x.square()).mul(0.25).floats;
  const rows = 20000;
  const y = drawn(layer, x, rows).reshape([rows, 9]);
  for (let at = 0; at < 9; at++) {
    const found = covariance(y, at, at);
    assertNear(found.value, variances[at], variances[at] * Math.sqrt(2 / rows), `variance at ${at}`);
    if (at === 0) continue;
    const between = covariance(y, at - 1, at);
    assertNear(between.value, 0, between.standardError, `covariance at ${at}`);
  }
});

Deno.test("at a layer position type A multiplies each entry by noise of its own", () => {
  const model = built(variant({ type: "A", rate: 0.2 }), [2]);
  const x = doubles([[1.5, -2]]);
  assertEquals(model.forward(x), x);
  const rows = 40000;
  const y = drawn(model, x, rows);
  const means = y.mean(0).floats;
  for (const at of [0, 1]) {
    const variance = 0.25 * x.floats[at] ** 2;
    assertNear(means[at], x.floats[at], Math.sqrt(variance / rows), `mean of entry ${at}`);
    assertNear(covariance(y, at, at).value, variance, variance * Math.sqrt(2 / rows), `variance of entry ${at}`);
  }
  const between = covariance(y, 0, 1);
  assertNear(between.value, 0, between.standardError, "covariance");
});

Deno.test("at a weight site the weight is noisy once a pass; with type A all weights of an input alike", () => {
  const passes = 4000;
  for (const type of types) {
    const model = built(weightHost({ variant: variant({ type, rate: 0.2 }), shape: [UNITS, 3] }), [1]);
    const weight = parameter(model, "weight");
    const draws = Array.from({ length: passes }, (_, step) => {
      const drawn = model.forward(Tensor.zeros([1, 1], "float64"), { mode: "train", step });
      return drawn.div(weight).reshape([1, UNITS * 3]);
    });
    const factors = Tensor.concat(draws);
    for (
      const [a, b, together] of [[0, 0, 1], [0, 3, type === "A" ? 1 : 0], [0, 1, 0], [4, 13, type === "A" ? 1 : 0]]
    ) {
      const found = covariance(factors, a, b);
      assertNear(found.value, 0.25 * together, found.standardError, `type ${type}, factors ${a} and ${b}`);
    }
    assertNear(factors.mean(0).floats[4], 1, 0.5 / Math.sqrt(passes), "mean");
  }
});

Deno.test("the penalty counts weights with type B, inputs or channels with type A, entries at a layer position", () => {
  const at = (model: Model, shape: number[], step = 0) => {
    const progress = { step, stepsPerEpoch: 10, totalSteps: 100 };
    return model.forwardWithPenalty(random([3, ...shape], 6), { mode: "train", progress })[1]!.item();
  };
  const one = gaussianDivergence(doubles([0.25])).item();
  const options = { rate: 0.2, examples: 50 };
  const counts: [Model, number[], number][] = [
    [built(dense(4, { weight: variant(options) }), [3]), [3], 12],
    [built(dense(4, { weight: variant({ ...options, per: "unit" }) }), [2, 3]), [2, 3], 12],
    [built(dense(4, { weight: variant({ ...options, per: "weight" }) }), [3]), [3], 12],
    [built(dense(4, { weight: variant({ ...options, type: "A" }) }), [2, 3]), [2, 3], 3],
    [built(dense(4, { weight: variant({ ...options, type: "A", per: "input" }) }), [3]), [3], 3],
    [built(conv1d(4, 2, { groups: 2, weight: variant(options) }), [2, 5]), [2, 5], 8],
    [built(conv1d(4, 2, { groups: 2, weight: variant({ ...options, type: "A", per: "input" }) }), [2, 5]), [2, 5], 2],
    [built(variant({ ...options, type: "A" }), [2, 5]), [2, 5], 10],
    [built(variant({ ...options, type: "A", per: "input" }), [2, 5]), [2, 5], 10],
  ];
  for (const [model, shape, count] of counts) assertAlmostEquals(at(model, shape), count * one / 50, 1e-9);
  const rising = built(dense(4, { weight: variant({ ...options, klWeight: warmUp(1, { over: 2 }) }) }), [3]);
  assertEquals(at(rising, [3]), 0);
  assertAlmostEquals(at(rising, [3], 10), 6 * one / 50, 1e-9);
});

Deno.test("wrong options are refused, with their range", () => {
  for (const rate of [0, 0.51, -1]) {
    assertThrows(() => variant({ rate }), OptionError, "rate: expected a number in (0, 0.5]");
  }
  const weight = variant({ type: "A", per: "unit" });
  assertThrows(() => built(dense(2, { weight }), [3]), OptionError, 'per: expected "layer" or "input" with type A');
  assertThrows(() => built(variant(), [3]), OptionError, 'type: expected "A" at a layer position');
});
