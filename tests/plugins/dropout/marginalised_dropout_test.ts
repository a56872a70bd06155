/** Marginalised dropout: its closed forms and published values, by enumeration of all masks and by many samples. */
import { assert, assertAlmostEquals, assertRejects, assertThrows } from "@std/assert";
import {
  buildModel,
  type Dataset,
  fit,
  type FitOptions,
  gradients,
  Key,
  lossOf,
  OptionError,
  type Plugin,
  ShapeError,
  Tensor,
} from "../../../core/mod.ts";
import {
  adam,
  binaryCrossEntropy,
  conv1d,
  crossEntropy,
  dense,
  linear,
  marginalisedDropout,
  type MarginalisedLoss,
  meanSquaredError,
  sequential,
  sgd,
} from "../../../plugins/mod.ts";

/** The penalty of a batch under a weight, without a bias. */
function penaltyOf(loss: MarginalisedLoss, x: Tensor, weight: Tensor, rate: number): number {
  const layer = dense(weight.shape[0], { bias: false, weight: marginalisedDropout({ loss, rate }) });
  const model = buildModel(layer, { inputShape: [x.shape[1]], dtype: "float64" });
  model.parameters()[0].tensor.assign(weight);
  return model.forwardWithPenalty(x, { mode: "train", step: 0 })[1]!.item();
}

/** The mean loss over all masks of the inputs, each example with each: dropped at `rate`, scaled. */
function enumerated(loss: Plugin<"loss">, x: Tensor, weight: Tensor, targets: Tensor, rate: number): number {
  const inputs = x.shape[1];
  let total = 0;
  for (let mask = 0; mask < 2 ** inputs; mask++) {
    const kept = Array.from({ length: inputs }, (_, j) => mask >> j & 1);
    const probability = kept.reduce((product, keep) => product * (keep === 1 ? 1 - rate : rate), 1);
    const noisy = x.mul(Tensor.from(kept.map((keep) => keep / (1 - rate)), [inputs], "float64"));
    total += probability * lossOf(loss, noisy.matmul(weight.transpose()), targets).item();
  }
  return total;
}

const x = Tensor.normal([5, 4], Key.seed(1).at("x"), "float64");
const weight = Tensor.normal([3, 4], Key.seed(2).at("weight"), "float64").mul(0.3);
const numbers = Tensor.normal([5, 3], Key.seed(3).at("targets"), "float64");
const labels = Tensor.of([0, 2, 1, 1, 0], "int32");
const settings: [MarginalisedLoss, Plugin<"loss">, Tensor][] = [
  ["squared", meanSquaredError(), numbers],
  ["logistic", binaryCrossEntropy(), numbers.sigmoid()],
  ["softmax", crossEntropy(), labels],
];

for (const [name, loss, targets] of settings) {
  Deno.test(`the ${name} penalty is what all masks together add to the loss${name === "squared" ? "" : ", to second order"}`, () => {
    for (const rate of [0.05, 0.3, 0.5, 0.8]) {
      for (const scale of [1, 0.1]) {
        const scaled = weight.mul(scale);
        const plain = lossOf(loss, x.matmul(scaled.transpose()), targets).item();
        const gap = enumerated(loss, x, scaled, targets, rate) - plain;
        const penalty = penaltyOf(name, x, scaled, rate);
        // What lies beyond the second order shrinks with the noise in the logits.
        const error = name === "squared" ? 1e-10 : 0.1 * scale / (1 - rate);
        assert(Math.abs(penalty / gap - 1) < error, `rate ${rate}, scale ${scale}: ${penalty}, ${gap}`);
      }
    }
    assertAlmostEquals(penaltyOf(name, x, weight, 0), 0, 1e-15);
  });
}

Deno.test("logistic, x = (1, 2), b = (.5, -1) at rate 1/2: the penalty is .316936, the exact gap .316873", () => {
  const [input, b] = [Tensor.of([[1, 2]], "float64"), Tensor.of([[0.5, -1]], "float64")];
  assertAlmostEquals(penaltyOf("logistic", input, b, 0.5), 0.316936, 5e-7);
  const yes = Tensor.of([[1]], "float64");
  const plain = lossOf(binaryCrossEntropy(), input.matmul(b.transpose()), yes).item();
  assertAlmostEquals(enumerated(binaryCrossEntropy(), input, b, yes, 0.5) - plain, 0.316873, 5e-7);
});

Deno.test("softmax of two classes is logistic regression of their difference", () => {
  const two = weight.slice([0, 0], [2, 4]);
  const difference = weight.slice([0, 0], [1, 4]).sub(weight.slice([1, 0], [2, 4]));
  assertAlmostEquals(penaltyOf("softmax", x, two, 0.4), penaltyOf("logistic", x, difference, 0.4), 1e-12);
});

Deno.test("the penalty's gradient goes through the curvature too, towards weight, bias and input", () => {
  for (const [name] of settings) {
    const model = buildModel(dense(3, { weight: marginalisedDropout({ loss: name, rate: 0.3 }) }), {
      inputShape: [4],
      seed: 4,
      dtype: "float64",
    });
    const parameters = model.parameters().map(({ tensor }) => tensor);
    const input = x.clone().withGradient();
    const penalty = () => model.forwardWithPenalty(input, { mode: "train", step: 0 })[1]!;
    const leaves = [...parameters, input];
    const found = gradients(penalty(), leaves);
    leaves.forEach((leaf, i) => {
      const before = leaf.floats[1];
      const at = (step: number) => (leaf.floats[1] = before + step, penalty().item());
      const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
      leaf.floats[1] = before;
      assertAlmostEquals(found[i].floats[1], slope, 1e-8, `${name}: leaf ${i}`);
    });
  }
});

/** The four points of section 9.1's check: two inputs, one of them 1. */
function regression(): Dataset {
  const inputs = Float32Array.of(1, 0, 1, 1, 1, 2, 1, 3);
  const part = { count: 4, shape: [2], inputs, scale: 1, targets: Float32Array.of(1, 2, 2, 4) };
  return { name: "four points", classes: 0, outputs: 1, train: part, test: part };
}

const layer = (rate: number) => dense(1, { bias: false, weight: marginalisedDropout({ loss: "squared", rate }) });
const training = (changes: Partial<FitOptions> = {}): FitOptions => ({
  data: regression(),
  loss: meanSquaredError(),
  optimizer: sgd({ learningRate: 0.1 }),
  epochs: 400,
  batchSize: 4,
  seed: 1,
  ...changes,
});

for (
  const [rate, a, b, value] of [[0, 0.9, 0.9, 0.7], [0.2, 0.961165, 0.699029, 3.76699], [
    0.5,
    0.765957,
    0.478723,
    9.489362,
  ]]
) {
  for (const accumulate of [1, 4]) {
    Deno.test(`linear regression at keep ${1 - rate}, in ${accumulate} parts, ends at the closed form (${a}, ${b}) of value ${value}`, async () => {
      const { model, testLoss } = await fit(layer(rate), training({ accumulate }));
      const weight = model.parameters()[0].tensor;
      assertAlmostEquals(weight.floats[0], a, 2e-6);
      assertAlmostEquals(weight.floats[1], b, 2e-6);
      const inputs = Tensor.from(regression().train.inputs as Float32Array<ArrayBuffer>, [4, 2]);
      const [, penalty] = model.forwardWithPenalty(inputs, { mode: "train", step: 0 });
      assertAlmostEquals(4 * (testLoss + penalty!.item()), value, 1e-5);
    });
  }
}

Deno.test("logistic regression with many features ends where dropout's own average loss is as small", async () => {
  const [examples, features, rate] = [400, 20, 0.3];
  const inputs = Tensor.normal([examples, features], Key.seed(6).at("inputs"));
  const truth = Tensor.normal([features, 1], Key.seed(7).at("truth")).mul(0.3);
  // Labels that are drawn: no weights separate them.
  const targets = inputs.matmul(truth).sigmoid().greater(Tensor.uniform([examples, 1], Key.seed(9).at("labels")));
  const part = {
    count: examples,
    shape: [features],
    inputs: inputs.floats as Float32Array<ArrayBuffer>,
    scale: 1,
    targets: targets.floats as Float32Array<ArrayBuffer>,
  };
  const data: Dataset = { name: "drawn labels", classes: 0, outputs: 1, train: part, test: part };
  const { model } = await fit(dense(1, { weight: marginalisedDropout({ loss: "logistic", rate }) }), {
    data,
    loss: binaryCrossEntropy(),
    optimizer: adam({ learningRate: 0.05 }),
    epochs: 300,
    batchSize: examples,
    seed: 2,
  });
  const [w, b] = model.parameters().map(({ tensor }) => tensor.detach());
  const draws = 1000;
  const noisy = (weight: Tensor) => {
    const losses = Array.from({ length: draws }, (_, step) => {
      const z = inputs.dropout(Key.seed(8).at("mask").atStep(step), rate).matmul(weight.transpose()).add(b);
      return lossOf(binaryCrossEntropy(), z, targets).item();
    });
    const mean = losses.reduce((a, c) => a + c) / draws;
    return { mean, error: Math.sqrt(losses.reduce((a, c) => a + (c - mean) ** 2, 0)) / draws };
  };
  const [output, penalty] = model.forwardWithPenalty(inputs, { mode: "train", step: 0 });
  const claimed = lossOf(binaryCrossEntropy(), output, targets).item() + penalty!.item();
  const here = noisy(w);
  // Five standard errors, and 3 % for what lies beyond the second order.
  assertAlmostEquals(here.mean, claimed, 5 * here.error + 0.03 * claimed);
  // The same draws at larger and smaller weights cost more: the minimum of the penalised loss is near that of dropout's.
  for (const factor of [0.7, 1.4]) assert(noisy(w.mul(factor)).mean > here.mean, `weights times ${factor}`);
});

Deno.test("nothing is drawn, evaluation is the plain layer, and the rate may be a schedule", () => {
  const model = buildModel(
    dense(3, { weight: marginalisedDropout({ loss: "softmax", rate: linear({ from: 0, to: 0.5 }) }) }),
    { inputShape: [4], seed: 4 },
  );
  const input = Tensor.ones([2, 4]);
  const plain = model.forward(input).toArray();
  for (const step of [0, 1]) {
    for (const mode of ["train", "sample"] as const) {
      assertEqualsTo(model.forward(input, { mode, step }).toArray(), plain);
    }
  }
  const at = (step: number) =>
    model.forwardWithPenalty(input, { mode: "train", progress: { step, stepsPerEpoch: 1, totalSteps: 3 } })[1]!.item();
  assertAlmostEquals(at(0), 0, 1e-9);
  assert(at(1) > 0 && at(2) > at(1));
});

function assertEqualsTo(found: unknown, expected: unknown): void {
  assert(JSON.stringify(found) === JSON.stringify(expected), `${JSON.stringify(found)}, ${JSON.stringify(expected)}`);
}

Deno.test("a rate of 1, no loss, and the weight of a convolution are refused by name", async () => {
  assertThrows(
    () => marginalisedDropout({ loss: "squared", rate: 1 }),
    OptionError,
    "at 1 the penalty would be infinite",
  );
  assertThrows(() => marginalisedDropout({} as never), OptionError, "marginalised-dropout.loss");
  const conv = sequential([conv1d(2, 3, { weight: marginalisedDropout({ loss: "squared" }) as never })]);
  assertThrows(
    () => buildModel(conv, { inputShape: [1, 5] }),
    ShapeError,
    "expected the weight [units, inputs] of a dense",
  );
  await assertRejects(
    () =>
      fit(
        layer(0.5).with({
          weight: marginalisedDropout({ loss: "squared", rate: linear({ from: 0, to: 1 }) }),
        }) as never,
        training({ epochs: 2 }),
      ),
    OptionError,
    "at 1 the penalty would be infinite",
  );
});
