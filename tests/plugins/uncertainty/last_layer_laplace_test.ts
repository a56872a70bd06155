/** Laplace approximations with closed forms. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  adam,
  assessClassification,
  assessRegression,
  buildModel,
  CheckpointError,
  type Dataset,
  decodeLaplace,
  dense,
  dropConnect,
  dropout,
  fit,
  holdBack,
  Key,
  lastLayerLaplace,
  type LayerPlugin,
  loadDataset,
  OptionError,
  PluginError,
  relu,
  sequential,
  type Split,
  Tensor,
} from "../../../mod.ts";
import { symmetricEigen } from "../../../plugins/uncertainty/_symmetric_eigen.ts";
import { corners, line, options } from "../../core/_runs.ts";

const near = (found: number, expected: number, tolerance = 1e-5) =>
  assertAlmostEquals(found, expected, tolerance * Math.max(1, Math.abs(expected)));

Deno.test("symmetricEigen() takes matrices apart so that their eigenvectors make them again", () => {
  for (const n of [1, 2, 3, 20, 61]) {
    const numbers = Tensor.normal([n, n], Key.seed(n).at("eigen"), "float64");
    const low = n === 20
      ? numbers.mul(Tensor.from(Array.from({ length: n }, (_, i) => i < 15 ? 0 : 1), [n, 1], "float64"))
      : numbers;
    const matrix = low.matmul(low, { transposeA: true }).floats;
    const { values, vectors } = symmetricEigen(matrix, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let [again, product] = [0, 0];
        for (let k = 0; k < n; k++) {
          again += values[k] * vectors[k * n + i] * vectors[k * n + j];
          product += vectors[i * n + k] * vectors[j * n + k];
        }
        assertAlmostEquals(again, matrix[i * n + j], 1e-10 * n);
        assertAlmostEquals(product, i === j ? 1 : 0, 1e-12 * n);
      }
    }
  }
  assertEquals([...symmetricEigen([2, 0, 0, 0], 2).values].sort(), [0, 2]);
  // [[2, 1], [1, 2]]: 1 and 3.
  const { values } = symmetricEigen([2, 1, 1, 2], 2);
  [1, 3].forEach((value, i) => assertAlmostEquals(values.toSorted()[i], value, 1e-14));
});

/** A dense layer with given weights. */
function linear(weight: readonly number[][], bias?: readonly number[]) {
  const [units, inputs] = [weight.length, weight[0].length];
  const model = buildModel(dense(units, { bias: bias !== undefined }), { inputShape: [inputs], seed: 7 });
  const tensors = new Map([["model/weight", Tensor.from(weight.flat(), [units, inputs])]]);
  if (bias !== undefined) tensors.set("model/bias", Tensor.from(bias, [units]));
  model.load(tensors);
  return model;
}

function part(inputs: readonly number[][], rest: Partial<Split>): Split {
  return {
    count: inputs.length,
    shape: [inputs[0].length],
    inputs: Float32Array.from(inputs.flat()),
    scale: 1,
    ...rest,
  };
}

function data(train: Split, classes: number): Dataset {
  return { name: "given", classes, outputs: classes === 0 ? 1 : 0, train, test: train };
}

Deno.test("of linear regression, the approximation is the exact posterior", () => {
  // Features (x, 1) for x = 0, 1, 2: the sum of their products is [[5, 3], [3, 3]].
  const given = data(part([[0], [1], [2]], { targets: Float32Array.of(1, 3, 4) }), 0);
  const [noise, prior] = [0.5, 2];
  // The precision: [[10 + 2, 6], [6, 6 + 2]], with the determinant 60.
  const covariance = [[8 / 60, -6 / 60], [-6 / 60, 12 / 60]];
  // Its mean: covariance times (sum x y, sum y) / noise = (11, 8) / 0.5 = (22, 16).
  const mean = [(8 * 22 - 6 * 16) / 60, (-6 * 22 + 12 * 16) / 60];
  for (const structure of ["kronecker", "full"] as const) {
    const laplace = lastLayerLaplace(linear([[mean[0]]], [mean[1]]), {
      data: given,
      structure,
      noise,
      priorPrecision: prior,
    });
    const found = laplace.outputs(Tensor.of([[3], [-1]]));
    for (const [row, x] of [3, -1].entries()) {
      near(found.mean.floats[row], mean[0] * x + mean[1]);
      near(found.covariance.floats[row], covariance[0][0] * x * x + 2 * covariance[0][1] * x + covariance[1][1]);
    }
    // The marginal likelihood is that of targets with the covariance noise I + X X^T / prior, normal around 0:
    // X X^T / 2 + I / 2 = [[1, .5, .5], [.5, 1.5, 1.5], [.5, 1.5, 3]], with the determinant 1.875.
    const inverse = inverse3([[1, 0.5, 0.5], [0.5, 1.5, 1.5], [0.5, 1.5, 3]]);
    const y = [1, 3, 4];
    const square = y.reduce((sum, a, i) => sum + y.reduce((inner, b, j) => inner + a * inverse.matrix[i][j] * b, 0), 0);
    near(inverse.determinant, 1.875);
    near(laplace.logMarginalLikelihood, -0.5 * (3 * Math.log(2 * Math.PI) + Math.log(1.875) + square));
  }
});

function inverse3(m: number[][]): { matrix: number[][]; determinant: number } {
  const minor = (i: number, j: number) => {
    const [a, b] = [0, 1, 2].filter((row) => row !== i);
    const [c, d] = [0, 1, 2].filter((column) => column !== j);
    return (m[a][c] * m[b][d] - m[a][d] * m[b][c]) * ((i + j) % 2 ? -1 : 1);
  };
  const determinant = [0, 1, 2].reduce((sum, j) => sum + m[0][j] * minor(0, j), 0);
  return { determinant, matrix: [0, 1, 2].map((i) => [0, 1, 2].map((j) => minor(j, i) / determinant)) };
}

Deno.test("of logistic regression, the approximation is the inverse of the likelihood's curvature and the prior's", () => {
  // Two classes, weights (w, 0), no bias: the curvature is s [[1, -1], [-1, 1]] with s = sum x^2 p (1 - p).
  const xs = [-2, -1, 0.5, 3];
  const w = 0.7;
  const p = (x: number) => 1 / (1 + Math.exp(-w * x));
  const s = xs.reduce((sum, x) => sum + x * x * p(x) * (1 - p(x)), 0);
  const given = data(part(xs.map((x) => [x]), { labels: Int32Array.of(1, 0, 0, 0) }), 2);
  const prior = 0.3;
  // [[s + d, -s], [-s, s + d]] has the determinant d (2 s + d).
  const determinant = prior * (2 * s + prior);
  const [own, other] = [(s + prior) / determinant, s / determinant];
  const full = lastLayerLaplace(linear([[w], [0]]), { data: given, structure: "full", priorPrecision: prior });
  const { mean, covariance } = full.outputs(Tensor.of([[2]]));
  [2 * w, 0].forEach((value, i) => near(mean.floats[i], value));
  [own, other, other, own].forEach((value, i) => near(covariance.floats[i], 4 * value));
  // The difference of the logits has the mean 2 w and the variance 4 (2 own - 2 other).
  full.probit().run({ inputs: Tensor.of([[2]]), examples: [0] }, (logits) => {
    near(logits.floats[0] - logits.floats[1], 2 * w / Math.sqrt(1 + Math.PI * 8 * (own - other) / 8));
  });
  // log p(labels) - d w^2 / 2 - log(determinant / d^2) / 2
  const fit = Math.log(1 - p(-2)) + Math.log(p(-1)) + Math.log(p(0.5)) + Math.log(p(3));
  near(full.logMarginalLikelihood, fit - 0.5 * prior * w * w - 0.5 * Math.log(determinant / prior ** 2));
  // With one feature, the Kronecker product has the means of x^2 and of p (1 - p), times 4.
  const squares = xs.reduce((sum, x) => sum + x * x, 0);
  const t = squares * xs.reduce((sum, x) => sum + p(x) * (1 - p(x)), 0) / 4;
  const kronecker = lastLayerLaplace(linear([[w], [0]]), { data: given, priorPrecision: prior });
  near(kronecker.outputs(Tensor.of([[2]])).covariance.floats[0], 4 * (t + prior) / (prior * (2 * t + prior)));
});

Deno.test("the probit approximation of several classes is near the mean of many draws", () => {
  const given = data(part([[1, 0], [0.5, 2], [-1, 1]], { labels: Int32Array.of(0, 1, 2) }), 3);
  const model = linear([[1, 0], [0, 1], [-1, -1]], [0.1, 0, -0.1]);
  const laplace = lastLayerLaplace(model, { data: given, structure: "full", priorPrecision: 0.5 });
  const x = Tensor.of([[1.5, -0.5], [0, 1], [4, 4]]);
  const mean = new Float64Array(9);
  const samples = 4000;
  laplace.sampler({ samples }).run({ inputs: x, examples: [0, 1, 2] }, (outputs) => {
    outputs.softmax().floats.forEach((p, i) => mean[i] += p / samples);
  });
  laplace.probit().run({ inputs: x, examples: [0, 1, 2] }, (logits) => {
    const found = logits.softmax().floats;
    const plain = model.forward(x).softmax().floats;
    found.forEach((p, i) => assertAlmostEquals(p, mean[i], 0.03));
    assert(Math.max(...plain.map((p, i) => Math.abs(p - mean[i]))) > 0.1); // what one set of weights says is far off
  });
});

Deno.test("draws of the weights have the covariance of the outputs, by address", () => {
  const given = data(part([[1, 0], [0.5, 2], [-1, 1]], { labels: Int32Array.of(0, 1, 2) }), 3);
  const model = linear([[1, 0], [0, 1], [-1, -1]], [0.1, 0, -0.1]);
  const x = Tensor.of([[1.5, -0.5], [0, 1]]);
  for (const structure of ["kronecker", "full"] as const) {
    const laplace = lastLayerLaplace(model, { data: given, structure, priorPrecision: 1 });
    const { mean, covariance } = laplace.outputs(x);
    const samples = 4000;
    const passes: number[][] = [];
    laplace.sampler({ samples }).run({ inputs: x, examples: [0, 1] }, (outputs) => passes.push([...outputs.floats]));
    assertEquals(passes.length, samples);
    for (let i = 0; i < 6; i++) {
      const own = covariance.floats[i * 3 + i % 3];
      const drawn = passes.reduce((sum, pass) => sum + pass[i], 0) / samples;
      assertAlmostEquals(drawn, mean.floats[i], 5 * Math.sqrt(own / samples));
      for (let k = 0; k < 3; k++) {
        const j = i - i % 3 + k;
        const expected = covariance.floats[i * 3 + k];
        const found = passes.reduce((sum, pass) => sum + (pass[i] - mean.floats[i]) * (pass[j] - mean.floats[j]), 0) /
          samples;
        const other = covariance.floats[j * 3 + k];
        assertAlmostEquals(found, expected, 5 * Math.sqrt((own * other + expected ** 2) / samples));
      }
    }
    const some: number[][] = [];
    laplace.sampler({ samples: 3 }).run({ inputs: x, examples: [0, 1] }, (outputs) => some.push([...outputs.floats]));
    assertEquals(some, passes.slice(0, 3));
    laplace.sampler({ samples: 1, seed: 1 }).run({ inputs: x, examples: [0, 1] }, (outputs) => {
      assert(outputs.floats[0] !== some[0][0]);
    });
  }
});

Deno.test("the prior and the noise that are found have a greater marginal likelihood than those beside them", async () => {
  const { model } = await fit(sequential([dense(6), relu(), dense(3)]), { ...options(), epochs: 10 });
  const at = (priorPrecision?: number) => lastLayerLaplace(model, { data: corners(), priorPrecision });
  const best = at();
  near(at(best.priorPrecision).logMarginalLikelihood, best.logMarginalLikelihood);
  for (const factor of [0.8, 1.25]) {
    assert(at(best.priorPrecision * factor).logMarginalLikelihood < best.logMarginalLikelihood);
  }
  const regression = await fit(dense(1), { ...options(), loss: undefined, data: line(), epochs: 2 });
  const of = (priorPrecision?: number, noise?: number) =>
    lastLayerLaplace(regression.model, { data: line(), priorPrecision, noise });
  const found = of();
  for (const factor of [0.9, 1.1]) {
    assert(of(found.priorPrecision * factor, found.noise).logMarginalLikelihood < found.logMarginalLikelihood);
    assert(of(found.priorPrecision, found.noise! * factor).logMarginalLikelihood < found.logMarginalLikelihood);
  }
});

Deno.test("features are those of evaluation, through nested layers, with the running state; a prior may be validated", async () => {
  const nested: LayerPlugin = sequential([
    sequential([dense(8), relu()]),
    sequential([dropout({ rate: 0.1 }), dense(5), relu(), dropout({ rate: 0.1 }), sequential([dense(3)])]),
  ]);
  const given = holdBack(await loadDataset(corners(80)), 0.25, 1);
  const { model } = await fit(nested, {
    ...options(),
    data: given,
    optimizer: adam({ learningRate: 0.02 }),
    epochs: 20,
  });
  const laplace = lastLayerLaplace(model, { data: given, priorPrecision: "validation" });
  const x = Tensor.from(given.test.inputs.slice(0, 60), [10, 6]);
  const { mean } = laplace.outputs(x);
  model.forward(x).floats.forEach((value, i) => near(mean.floats[i], value));
  const plain = assessClassification(model, given).scores;
  const probit = assessClassification(laplace.probit(), given).scores;
  assertEquals(probit.calibration.width.bins.length, plain.calibration.width.bins.length);
  assert(probit.entropy > plain.entropy);
  const loss = (precision: number) => {
    const judged = lastLayerLaplace(model, { data: given, priorPrecision: precision });
    return assessClassification(judged.probit(), { ...given, test: given.validation! }).scores.negativeLogLikelihood;
  };
  assert(laplace.priorPrecision < 1e5);
  const own = loss(laplace.priorPrecision);
  for (const factor of [10 ** 0.25, 10 ** -0.25]) assert(own <= loss(laplace.priorPrecision * factor) + 1e-9);
  const sampled = assessClassification(laplace.sampler({ samples: 20 }), given);
  assert(sampled.passes === 20 && sampled.scores.mutualInformation > 0);
});

Deno.test("numbers are predicted with the noise that was found", () => {
  const given = data(part([[0], [1], [2]], { targets: Float32Array.of(1, 3, 4) }), 0);
  const laplace = lastLayerLaplace(linear([[1.5]], [1.1]), { data: given, noise: 0.5, priorPrecision: 2 });
  const judged = assessRegression(laplace.sampler({ samples: 2000 }), given, { noise: laplace.noise });
  const { covariance } = laplace.outputs(Tensor.of([[0], [1], [2]]));
  const mean = Array.from(covariance.floats).reduce((sum, variance) => sum + Math.sqrt(variance + 0.5) / 3, 0);
  assertAlmostEquals(judged.scores!.deviation, mean, 0.02);
});

Deno.test("lastLayerLaplace() refuses what it cannot approximate", () => {
  const given = corners();
  const model = (layer: LayerPlugin) => buildModel(layer, { inputShape: [6] });
  const refuses = (layer: LayerPlugin, text: string) =>
    assertThrows(() => lastLayerLaplace(model(layer), { data: given }), PluginError, text);
  refuses(sequential([dense(3), relu()]), "model.1: expected a model that ends in a dense layer, found relu");
  refuses(
    sequential([dense(4), dense(3, { weight: dropConnect() })]),
    "model.1: expected a last dense layer without a variant",
  );
  const fine = model(dense(3));
  const wrong = (options: object, text: string) =>
    assertThrows(() => lastLayerLaplace(fine, { data: given, ...options }), OptionError, text);
  wrong({ priorPrecision: 0 }, "priorPrecision");
  wrong({ priorPrecision: "validation" }, "no validation part");
  wrong({ structure: "diagonal" }, "structure");
  wrong({ noise: 1 }, "noise: expected nothing for a model of classes");
  wrong({ prior: 1 }, "priorPrecision");
  assertThrows(() => lastLayerLaplace(fine, { data: given }).sampler({ samples: 0 }), OptionError, "samples");
  const wide = buildModel(dense(3), { inputShape: [600] });
  assertThrows(() => lastLayerLaplace(wide, { data: given, structure: "full" }), OptionError, "kronecker");
});

Deno.test("an approximation that was written and read back predicts the same bits, and belongs to its weights", async () => {
  const data = corners();
  const { model } = await fit(sequential([dense(6), relu(), dense(3)]), options({ data, epochs: 2 }));
  const other = await fit(sequential([dense(6), relu(), dense(3)]), options({ data, epochs: 3 }));
  const x = Tensor.normal([5, ...model.inputShape], Key.seed(2).at("x"));
  for (const structure of ["kronecker", "full"] as const) {
    const laplace = lastLayerLaplace(model, { data, structure });
    const bytes = laplace.encode();
    const again = decodeLaplace(model, bytes);
    assertEquals(again.outputs(x).covariance.toArray(), laplace.outputs(x).covariance.toArray());
    for (const samples of [0, 5]) {
      assertEquals(again.predict(x, { samples }).mean.toArray(), laplace.predict(x, { samples }).mean.toArray());
    }
    assertEquals([again.priorPrecision, again.noise], [laplace.priorPrecision, laplace.noise]);
    assertThrows(() => decodeLaplace(other.model, bytes), CheckpointError, "found one of other weights");
    assertThrows(() => decodeLaplace(model, bytes.subarray(0, 99), { source: "a file" }), CheckpointError, "a file");
    assertThrows(() => again.predict(x, { samples: 0.5 }), OptionError, "samples");
  }
});
