/** DropConnect: its masks, the mean and the variance that the paper gives for them, inference, gradients and edges. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  gradients,
  keepProbability,
  Key,
  type LayerPlugin,
  type Model,
  OptionError,
  rateThreshold,
  ShapeError,
  Tensor,
} from "../../core/mod.ts";
import { checkGradient } from "../../testing/mod.ts";
import { dropConnect, type DropConnectOptions } from "../../plugins/dropout/drop_connect/drop_connect.ts";
import { exampleProduct } from "../../plugins/dropout/drop_connect/_per_example.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { conv2d } from "../../plugins/layers/conv2d.ts";
import { lstm } from "../../plugins/layers/lstm.ts";
import { maxout } from "../../plugins/layers/maxout.ts";
import { relu } from "../../plugins/layers/relu.ts";
import { sequential } from "../../plugins/layers/sequential.ts";
import { assertWithin, mean, variance } from "../core/_statistics.ts";
import { random } from "../core/_tensors.ts";
import { built } from "./_apply.ts";

/** A dense layer with DropConnect and a bias that is not 0, perhaps with an activation behind it. */
function layer(units: number, inputShape: readonly number[], options: DropConnectOptions, after?: LayerPlugin): Model {
  const hidden = dense(units, { weight: dropConnect(options) });
  const model = built(after === undefined ? sequential([hidden]) : sequential([hidden, after]), inputShape, 4);
  model.parameters()[1].tensor.assign(random([units], 9));
  return model;
}

const weightsOf = (model: Model): [Tensor, Tensor] => [model.parameters()[0].tensor, model.parameters()[1].tensor];

Deno.test("dropConnect() multiplies each example by a weight and a bias with masks of its own", () => {
  const [batch, rows, inputs, units, rate] = [4, 3, 5, 2, 0.4];
  const key = Key.seed(3).at("mask").sample(2);
  const [x, weight] = [random([batch, rows, inputs], 1), random([units, inputs], 2)];
  for (const inverted of [true, false]) {
    const masks = Tensor.bernoulli(
      [batch, units, inputs],
      key,
      rate,
      inverted ? 1 / keepProbability(rateThreshold(rate)) : 1,
      "float64",
    );
    const expected = x.matmul(masks.mul(weight), { transposeB: true });
    const found = exampleProduct(x, weight, key, rate, inverted);
    assertEquals(found.shape, expected.shape);
    found.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-8));
  }
});

for (const convention of ["inverted", "classic"] as const) {
  Deno.test(`dropConnect() has the mean and the variance of the paper (${convention})`, () => {
    const [count, inputs, units] = [40000, 6, 3];
    const x = random([inputs], 1);
    for (const rate of [0.2, 0.5, 0.8]) {
      const model = layer(units, [inputs], { rate, convention });
      const [weight, bias] = weightsOf(model);
      const p = keepProbability(rateThreshold(rate));
      const [m, v] = convention === "classic" ? [p, p * (1 - p)] : [1, (1 - p) / p];
      const means = weight.matmul(x).add(bias).mul(m);
      const variances = weight.square().matmul(x.square()).add(bias.square()).mul(v);
      const y = model.forward(x.broadcastTo([count, inputs]), { mode: "train", step: 0 });
      for (let unit = 0; unit < units; unit++) {
        const values = y.slice([0, unit], [count, unit + 1]).floats;
        const expected = variances.floats[unit];
        assertWithin(mean(values), means.floats[unit], Math.sqrt(expected / count), `mean at rate ${rate}`);
        const fourth = mean(values.map((value) => (value - means.floats[unit]) ** 4) as Float64Array);
        const error = Math.sqrt((fourth - expected ** 2) / count);
        assertWithin(variance(values), expected, error, `variance at rate ${rate}`);
      }
      const evaluated = model.forward(x.reshape([1, inputs]));
      evaluated.floats.forEach((value, unit) => assertAlmostEquals(value, means.floats[unit], 1e-9));
    }
  });
}

Deno.test("dropConnect() with normal inference averages the activation, as masks would", () => {
  const [inputs, units, count] = [200, 4, 20000];
  const x = random([inputs], 1).mul(0.2);
  const model = layer(units, [inputs], { rate: 0.5, inference: "normal", samples: 4000 }, relu());
  // A sum of many connections is nearly normal; a bias that outweighs them would not be.
  weightsOf(model)[1].assign(random([units], 2).mul(0.05));
  const masks = model.forward(x.broadcastTo([count, inputs]), { mode: "train", step: 0 });
  const found = model.forward(x.reshape([1, inputs]));
  assertEquals(model.forward(x.reshape([1, inputs])).toArray(), found.toArray());
  model.configure("0.weight", { inference: "mean" });
  const plain = model.forward(x.reshape([1, inputs]));
  let moved = 0;
  for (let unit = 0; unit < units; unit++) {
    const values = masks.slice([0, unit], [count, unit + 1]).floats;
    const error = Math.sqrt(variance(values) * (1 / count + 1 / 4000));
    assertWithin(found.floats[unit], mean(values), error, `unit ${unit}`);
    moved = Math.max(moved, Math.abs(found.floats[unit] - plain.floats[unit]) / error);
  }
  assert(moved > 4, "the average of the activation is not the activation of the average");
});

for (const convention of ["inverted", "classic"] as const) {
  Deno.test(`dropConnect() with normal inference draws one pre-activation a pass in mode sample (${convention})`, () => {
    const [inputs, count] = [5, 50000];
    const x = random([inputs], 1);
    const model = layer(2, [inputs], { rate: 0.3, inference: "normal", convention });
    // Section 3.2 of the paper: mean p W v, variance p (1 - p) (W * W)(v * v); inverted, both are those of W / p.
    const [m, v] = convention === "classic" ? [0.7, 0.7 * 0.3] : [1, 0.3 / 0.7];
    const [weight, bias] = weightsOf(model);
    const y = model.forward(x.broadcastTo([count, inputs]), { mode: "sample", step: 3 });
    const means = weight.matmul(x).add(bias).mul(m);
    const variances = weight.square().matmul(x.square()).add(bias.square()).mul(v);
    for (let unit = 0; unit < 2; unit++) {
      const values = y.slice([0, unit], [count, unit + 1]).floats;
      assertWithin(mean(values), means.floats[unit], Math.sqrt(variances.floats[unit] / count), "mean");
      const error = variances.floats[unit] * Math.sqrt(2 / count);
      assertWithin(variance(values), variances.floats[unit], error, "variance");
    }
  });
}

const settings: DropConnectOptions[] = [
  { rate: 0.3 },
  { rate: 0.3, convention: "classic" },
  { rate: 0.3, per: "batch" },
  { rate: 0.3, per: "batch", convention: "classic" },
];

for (const options of settings) {
  const title = `dropConnect(${JSON.stringify(options)})`;
  Deno.test(`${title} has the gradients that central differences give`, () => {
    for (const inputShape of [[1], [3], [2, 3]]) {
      for (const batch of [0, 1, 3]) {
        for (const after of [undefined, relu()]) {
          const model = layer(2, inputShape, options, after);
          const x = random([batch, ...inputShape], 2);
          checkGradient(([x]) => model.forward(x, { mode: "train", step: 0 }), [x], { parameters: weightsOf(model) });
        }
      }
    }
  });

  Deno.test(`${title}: a batch in parts draws what the whole batch draws`, () => {
    const model = layer(3, [2, 4], options);
    const x = random([6, 2, 4], 1);
    const whole = model.forward(x, { mode: "train", step: 0 });
    const part = model.forward(x.slice([2], [6]), { mode: "train", step: 0, sample: 2 });
    assertEquals(whole.slice([2]).toArray(), part.toArray());
  });

  Deno.test(`${title}: steps and modes draw other masks, examples share one only if told to`, () => {
    const model = layer(8, [6], options);
    const x = random([6], 1).broadcastTo([2, 6]);
    const train = model.forward(x, { mode: "train", step: 1 });
    assertEquals(model.forward(x, { mode: "train", step: 1 }).toArray(), train.toArray());
    for (
      const other of [{ mode: "train", step: 2 }, { mode: "sample", step: 1 }, { mode: "train", step: 1, pass: 1 }]
    ) {
      const y = model.forward(x, other as { mode: "train"; step: 0 });
      assert(JSON.stringify(y.toArray()) !== JSON.stringify(train.toArray()));
    }
    const [first, second] = train.toArray() as number[][];
    assertEquals(JSON.stringify(first) === JSON.stringify(second), options.per === "batch");
  });
}

Deno.test("dropConnect() at a rate of 0 is the layer itself, at 1 it gives zeros with zero gradients", () => {
  const x = random([3, 4], 1);
  for (const per of ["example", "batch"] as const) {
    const none = layer(2, [4], { rate: 0, per });
    assertEquals(none.forward(x, { mode: "train", step: 0 }).toArray(), none.forward(x).toArray());
    const all = layer(2, [4], { rate: 1, per });
    const input = x.withGradient();
    const y = all.forward(input, { mode: "train", step: 0 });
    assertEquals(new Set(y.floats), new Set([0]));
    for (const gradient of gradients(y.sum(), [input, ...weightsOf(all)])) {
      assertEquals(new Set(gradient.floats), new Set([0]));
    }
    for (const inference of ["mean", "normal"] as const) {
      const classic = layer(2, [4], { rate: 1, per, convention: "classic", inference });
      for (const value of classic.forward(x).floats) assertEquals(Math.abs(value), 0);
    }
  }
});

Deno.test("dropConnect() stands in maxout layers, too", () => {
  const model = built(maxout(3, { weight: dropConnect() }), [4]);
  assertEquals(model.forward(random([2, 4], 1), { mode: "train", step: 0 }).shape, [2, 3]);
});

Deno.test("dropConnect() refuses a layer that cannot draw for each example, and says what to do", () => {
  const refused = lstm(2, { weight: dropConnect() });
  assertThrows(() => built(refused, [2, 5]), OptionError, 'model.weight_l0 (drop-connect).per: expected "batch"');
  built(lstm(2, { weight: dropConnect({ per: "batch" }) }), [2, 5]);
  assertThrows(() => dropConnect({ samples: 0 }), OptionError, "drop-connect.samples");
  assertThrows(() => exampleProduct(random([2, 3], 1), random([2, 4], 1), Key.seed(1), 0.5, true), ShapeError);
});

/** A convolution with DropConnect and a bias that is not 0, perhaps with an activation behind it. */
function convolved(options: DropConnectOptions, after?: LayerPlugin): Model {
  const hidden = conv2d(4, 3, { groups: 2, stride: 2, padding: 1, weight: dropConnect(options) });
  const model = built(after === undefined ? sequential([hidden]) : sequential([hidden, after]), [2, 5, 4], 4);
  model.parameters()[1].tensor.assign(random([4], 9));
  return model;
}

/** The same convolution without a variant. */
function plainConvolution(weight: Tensor, bias: Tensor): (x: Tensor) => Tensor {
  const model = built(conv2d(4, 3, { groups: 2, stride: 2, padding: 1 }), [2, 5, 4]);
  model.parameters()[0].tensor.assign(weight);
  model.parameters()[1].tensor.assign(bias);
  return (x) => model.forward(x);
}

for (const convention of ["inverted", "classic"] as const) {
  Deno.test(`dropConnect() convolves each example with filters and a bias of its own (${convention})`, () => {
    const [batch, rate] = [3, 0.4];
    const model = convolved({ rate, convention });
    const [weight, bias] = weightsOf(model);
    const x = random([batch, 2, 5, 4], 1);
    const value = convention === "inverted" ? 1 / keepProbability(rateThreshold(rate)) : 1;
    const key = Key.seed(4).at("train").at("0.weight").atStep(5);
    const masks = Tensor.bernoulli([batch, ...weight.shape], key.at("weight"), rate, value, "float64");
    const biases = Tensor.bernoulli([batch, 4], key.at("bias"), rate, value, "float64");
    const found = model.forward(x, { mode: "train", step: 5 });
    for (let row = 0; row < batch; row++) {
      const own = (all: Tensor) => all.slice([row], [row + 1]);
      const used = [own(masks).reshape(weight.shape).mul(weight), own(biases).reshape([4]).mul(bias)] as const;
      const expected = plainConvolution(...used)(own(x));
      own(found).floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-12));
    }
  });
}

Deno.test("dropConnect() in a convolution has the gradients that central differences give", () => {
  for (const options of [{ rate: 0.4 }, { rate: 0.4, per: "batch", convention: "classic" }] as const) {
    const model = convolved(options);
    const parameters = model.parameters().map(({ tensor }) => tensor);
    checkGradient(([x]) => model.forward(x, { mode: "train", step: 3 }), [random([2, 2, 5, 4], 1)], { parameters });
  }
});

Deno.test("dropConnect() in a convolution has the paper's mean and variance at each place, by two convolutions", () => {
  const rate = 0.3;
  const keep = keepProbability(rateThreshold(rate));
  const model = convolved({ rate, convention: "classic" });
  const [weight, bias] = weightsOf(model);
  const one = random([1, 2, 5, 4], 1);
  const means = plainConvolution(weight, bias)(one).mul(keep);
  const variances = plainConvolution(weight.square(), bias.square())(one.square()).mul(keep * (1 - keep));
  const count = 20_000;
  const sums = [new Float64Array(means.size), new Float64Array(means.size), new Float64Array(means.size)];
  const x = one.broadcastTo([500, 2, 5, 4]);
  for (let step = 0; step < count / 500; step++) {
    model.forward(x, { mode: "train", step }).floats.forEach((value, i) => {
      const away = value - means.floats[i % means.size];
      sums.forEach((sum, power) => sum[i % means.size] += away ** (power === 2 ? 4 : power + 1));
    });
  }
  // 4 standard errors at 24 places, whose values hang together: an error probability below 3e-3 for all.
  for (let i = 0; i < means.size; i++) {
    const variance = variances.floats[i];
    assertWithin(sums[0][i] / count, 0, Math.sqrt(variance / count), `mean at ${i}`);
    const spread = Math.sqrt((sums[2][i] / count - variance ** 2) / count);
    assertWithin(sums[1][i] / count, variance, spread, `variance at ${i}`);
  }
});

Deno.test("dropConnect() in a convolution averages activations of normal numbers in evaluation, and draws one to sample", () => {
  const [rate, samples] = [0.5, 4000];
  const model = convolved({ rate, inference: "normal", samples }, relu());
  const [weight, bias] = weightsOf(model);
  const keep = keepProbability(rateThreshold(rate));
  const x = random([2, 2, 5, 4], 1);
  const means = plainConvolution(weight, bias)(x);
  const deviations = plainConvolution(weight.square(), bias.square())(x.square()).mul((1 - keep) / keep).sqrt();
  const found = model.forward(x);
  found.floats.forEach((value, i) => {
    // The mean of the positive part of a normal number: m Phi(m / s) + s phi(m / s).
    const [m, s] = [means.floats[i], deviations.floats[i]];
    const z = Tensor.full([1], m / s, "float64");
    const below = z.mul(Math.SQRT1_2).erf().item() / 2 + 0.5;
    const expected = m * below + s * Math.exp(-((m / s) ** 2) / 2) / Math.sqrt(2 * Math.PI);
    assertWithin(value, expected, s / Math.sqrt(samples), `place ${i}`);
  });
  const sampled = model.forward(x, { mode: "sample", step: 2 });
  const noise = Tensor.normal(means.shape, Key.seed(4).at("sample").at("0.weight").at("normal").atStep(2), "float64");
  const expected = means.add(noise.mul(deviations)).relu();
  sampled.floats.forEach((value, i) => assertAlmostEquals(value, expected.floats[i], 1e-12));
  // No variance at all, as for an input of zeros without a bias, has gradients of 0.
  bias.assign(Tensor.zeros([4], "float64"));
  const y = model.forward(x.mul(0), { mode: "sample", step: 2 });
  assertEquals(gradients(y.sum(), [weight])[0].floats.every((value) => value === 0), true);
});

Deno.test("dropConnect() in a convolution at a rate of 0 is the convolution, at 1 it gives zeros with zero gradients", () => {
  const x = random([2, 2, 5, 4], 1);
  const empty = convolved({ rate: 0.5 }).forward(x.slice([0], [0]), { mode: "train", step: 1 });
  assertEquals(empty.shape, [0, 4, 3, 2]);
  const none = convolved({ rate: 0 });
  assertEquals(none.forward(x, { mode: "train", step: 1 }).toArray(), none.forward(x).toArray());
  const all = convolved({ rate: 1 });
  const y = all.forward(x, { mode: "train", step: 1 });
  assert(y.floats.every((value) => value === 0));
  for (const gradient of gradients(y.sum(), weightsOf(all))) assert(gradient.floats.every((value) => value === 0));
});
