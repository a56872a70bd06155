/** Dropout as data augmentation: noise is found again in the input, and training on it is training without dropout. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  buildModel,
  type Dataset,
  fit,
  Key,
  type LayerPlugin,
  type Model,
  OptionError,
  PluginError,
  type StandIn,
  Tensor,
  type VariantPlace,
} from "../../../core/mod.ts";
import {
  batchNorm,
  constant,
  dense,
  dropout,
  dropoutAugmentation,
  type DropoutAugmentationOptions,
  flatten,
  gaussianNoise,
  projectNoise,
  relu,
  sequential,
} from "../../../plugins/mod.ts";
import { options } from "../../core/_runs.ts";

const run = (model: Model) => (x: Tensor, variants: StandIn) => model.forward(x, { variants });

/** Drops by fixed masks, a new one for each place. */
function drops(rate = 0.5): StandIn {
  return (x, { path }) => x.dropout(Key.seed(7).at(path).atStep(0), rate);
}

Deno.test("behind an invertible linear layer, x* gives the noisy activations themselves: W^-1 (noisy - b)", () => {
  const model = buildModel(sequential([dense(2), dropout(), dense(3)]), { inputShape: [2], seed: 1, dtype: "float64" });
  const [weight, bias] = model.parameters().map(({ tensor }) => tensor);
  weight.assign(Tensor.of([[2, 1], [0, 1]], "float64"));
  bias.assign(Tensor.of([1, -1], "float64"));
  // x = (1, 2) gives (5, 1); the noise makes it (10, 0), which (4, 1) gives: 2 * 4 + 1 + 1 and 1 - 1.
  const found = projectNoise(Tensor.of([[1, 2]], "float64"), {
    run: run(model),
    noise: (x) => x.mask(Tensor.of([[2, 0]], "float64")),
    steps: 300,
  });
  assertAlmostEquals(found.inputs.floats[0], 4, 1e-6);
  assertAlmostEquals(found.inputs.floats[1], 1, 1e-6);
  assertEquals(found.before.toArray(), [25 + 1]);
  assertAlmostEquals(found.after.item(), 0, 1e-10);
});

Deno.test("a variant before the first layer alone makes the input itself noisy", () => {
  const model = buildModel(sequential([dropout(), dense(2)]), { inputShape: [5], seed: 1, dtype: "float64" });
  const x = Tensor.normal([4, 5], Key.seed(2).at("x"), "float64");
  const found = projectNoise(x, { run: run(model), noise: drops(), steps: 200 });
  const noisy = drops()(x, { path: "0", plugin: "dropout", options: {} });
  found.inputs.floats.forEach((value, i) => assertAlmostEquals(value, noisy.floats[i], 1e-8));
});

const deep = () =>
  buildModel(sequential([dropout(), dense(20), relu(), dropout(), dense(15), relu(), dropout(), dense(3)]), {
    inputShape: [6],
    seed: 3,
    dtype: "float64",
  });

Deno.test("the projection lowers every example's objective, more with more steps, and says what it is", () => {
  const model = deep();
  const x = Tensor.normal([8, 6], Key.seed(4).at("x"), "float64");
  const at = (steps: number) => projectNoise(x, { run: run(model), noise: drops(), steps });
  const [none, few, many] = [at(0), at(5), at(40)];
  assertEquals(none.inputs.toArray(), x.toArray());
  assertEquals(none.after.toArray(), none.before.toArray());
  few.after.floats.forEach((value, i) => assert(value < few.before.floats[i]));
  many.after.floats.forEach((value, i) => assert(value < few.after.floats[i]));
  // The objective by hand: what the places see at x*, against the noisy activations of x.
  const targets: Tensor[] = [];
  run(model)(x, (value, place) => (targets.push(drops()(value, place)), targets.at(-1)!));
  const sums = new Float64Array(8);
  let place = 0;
  run(model)(many.inputs, (value) => {
    const gaps = value.sub(targets[place++]).square().sum(1).floats;
    gaps.forEach((gap, i) => sums[i] += gap);
    return value;
  });
  assertEquals(place, 3);
  sums.forEach((sum, i) => assertAlmostEquals(many.after.floats[i], sum, 1e-9));
});

Deno.test("weights choose the places that count, and examples do not see each other", () => {
  const model = deep();
  const x = Tensor.normal([8, 6], Key.seed(4).at("x"), "float64");
  const first = projectNoise(x, { run: run(model), noise: drops(), weights: [1, 0, 0], steps: 200 });
  const noisy = drops()(x, { path: "0", plugin: "dropout", options: {} });
  first.inputs.floats.forEach((value, i) => assertAlmostEquals(value, noisy.floats[i], 1e-8));
  const whole = projectNoise(x, { run: run(model), noise: drops() });
  const one = projectNoise(x.slice([0, 0], [1, 6]), { run: run(model), noise: drops() });
  one.inputs.floats.forEach((value, i) => assertAlmostEquals(value, whole.inputs.floats[i], 1e-12));
  const wrong = () => projectNoise(x, { run: run(model), noise: drops(), weights: [1] });
  assertThrows(wrong, PluginError, "expected 3 weights, one for each variant of the model, found 1");
});

const net = (rate: number, ...more: LayerPlugin[]) =>
  sequential([dropout({ rate }), dense(5), relu(), ...more, dense(3)]);

async function trained(root: LayerPlugin, learning?: DropoutAugmentationOptions, changes = {}) {
  const { model, runningLoss } = await fit(
    root,
    options({ epochs: 2, ...changes, ...learning === undefined ? {} : { learning: dropoutAugmentation(learning) } }),
  );
  const tensors = [...model.parameters().map(({ tensor }) => tensor), ...model.state().values()];
  return { numbers: tensors.flatMap(({ floats }) => [...floats]), runningLoss };
}

Deno.test("at rate 0 it is training without dropout, whatever rates the variants have, batch norm's statistics included", async () => {
  const plain = await trained(net(0, batchNorm(), dropout({ rate: 0 })));
  for (const learning of [{ rate: 0 }, { rate: 0, level: "fixed" as const }]) {
    const found = await trained(net(0.5, batchNorm(), dropout({ rate: 0.9 })), learning);
    found.numbers.forEach((value, i) => assertAlmostEquals(value, plain.numbers[i], 1e-5));
    assertAlmostEquals(found.runningLoss, plain.runningLoss, 1e-5);
  }
  const own = await trained(net(0, dropout({ rate: 0 })), {});
  const without = await trained(net(0, dropout({ rate: 0 })));
  own.numbers.forEach((value, i) => assertAlmostEquals(value, without.numbers[i], 1e-5));
});

Deno.test("at a rate it learns something else: by each variant's own rate, by one for all, in parts the same", async () => {
  const plain = await trained(net(0));
  const own = await trained(net(0.4), { steps: 3 });
  assertNotEquals(own.numbers, plain.numbers);
  assertEquals((await trained(net(0.1), { steps: 3, rate: 0.4 })).numbers, own.numbers);
  assertEquals((await trained(net(0.1), { steps: 3, rate: constant({ value: 0.4 }) })).numbers, own.numbers);
  assertNotEquals((await trained(net(0.1), { steps: 3 })).numbers, own.numbers);
  const parts = await trained(net(0.4), { steps: 3 }, { accumulate: 3 });
  parts.numbers.forEach((value, i) => assertAlmostEquals(value, own.numbers[i], 1e-4));
});

/** Ones, so that what stands in for a variant before the first layer shows the noise. */
function ones(count: number, features: number): Dataset {
  const part = {
    count,
    shape: [features],
    inputs: new Float32Array(count * features).fill(1),
    scale: 1,
    labels: Int32Array.from({ length: count }, (_, i) => i % 2),
  };
  return { name: "ones", classes: 2, outputs: 0, train: part, test: part };
}

/** The shares of zeros of each example's input, as training saw it. */
function dropped(level: "uniform" | "fixed", rate: number, features = 400, count = 300): Tensor {
  const seen: Tensor[] = [];
  // Behind the variant stands a layer that watches what training runs on.
  const watching = dropoutAugmentation({ rate, level, steps: 60, stepSize: 0.5 });
  const root = sequential([dropout({ rate: 0.9 }), flatten({ name: "watched" }), dense(2)]);
  const model = buildModel(root, { inputShape: [features], seed: 1 });
  const forward = model.forward.bind(model);
  watching.definition.learn!({
    options: watching.options as never,
    key: Key.seed(5).at("learning").atStep(0),
    progress: { step: 0, stepsPerEpoch: 1, totalSteps: 1 },
    inputs: Tensor.from(ones(count, features).train.inputs as Float32Array<ArrayBuffer>, [count, features]),
    targets: Tensor.zeros([count], "int32"),
    parameters: new Map(),
    forward: (x, how = {}) => {
      const said = typeof how === "number" ? {} : how;
      if (said.mode !== "eval") seen.push(x);
      return forward(x, { mode: "train", step: 0, ...said });
    },
    loss: (outputs) => ({ sum: outputs.sum(), weight: 1 }),
    moments: () => {
      throw new Error("not asked for");
    },
    expectedLoss: () => {
      throw new Error("not asked for");
    },
    give: () => {},
  });
  assertEquals(seen.length, 1);
  const [x] = seen;
  const zeros = x.abs().greater(1e-3).neg().add(1).sum(1).div(features);
  // What is kept is divided by the probability of keeping: an example's mean stays 1 in expectation.
  assertAlmostEquals(x.mean().item(), 1, 5 * Math.sqrt(rate / (1 - rate) / (count * features)) + 0.02);
  return zeros;
}

Deno.test("each example's level is uniform up to the rate, or the rate itself where it is fixed", () => {
  const shares = [...dropped("uniform", 0.6).floats];
  const mean = shares.reduce((a, b) => a + b) / 300;
  const variance = shares.reduce((a, b) => a + (b - mean) ** 2, 0) / 300;
  // U(0, 0.6): mean 0.3, variance 0.03, and 0.0005 of the 400 draws an example; five standard errors of 300 examples.
  assertAlmostEquals(mean, 0.3, 5 * Math.sqrt(0.0305 / 300));
  assertAlmostEquals(variance, 0.0305, 0.0305 * 5 * Math.sqrt(0.8 / 300));
  const fixed = dropped("fixed", 0.6).floats;
  fixed.forEach((share) => assertAlmostEquals(share, 0.6, 5.5 * Math.sqrt(0.24 / 400)));
});

Deno.test("stand-ins see every variant's place, and evaluation without them is as ever", () => {
  const shared = dropout({ rate: 0.3, name: "noise" });
  const model = buildModel(sequential([shared, dense(2), relu(), gaussianNoise()]), { inputShape: [2], seed: 1 });
  const places: VariantPlace[] = [];
  const x = Tensor.ones([1, 2]);
  const doubled = model.forward(x, {
    variants: (value, place) => (places.push(place), value.mul(2)),
    mode: "train",
    step: 0,
  });
  assertEquals(places.map(({ path, plugin }) => [path, plugin]), [["noise", "dropout"], ["3", "gaussian-noise"]]);
  assertEquals(places[0].options.rate, 0.3);
  assertAlmostEquals(doubled.sum().item(), 4 * model.forward(x).sum().item(), 1e-5); // its bias is 0
  const wrong = () => model.forward(x, { variants: () => Tensor.ones([1, 3]) });
  assertThrows(wrong, Error, "model.noise (dropout): expected an output of the input's shape [1, 2], found [1, 3]");
});

Deno.test("what cannot be projected is refused by name", async () => {
  await assertRejects(
    () => trained(dense(3), {}),
    PluginError,
    "dropout-augmentation: expected a variant at a layer position",
  );
  await assertRejects(
    () => trained(net(0, gaussianNoise()), {}),
    PluginError,
    "expected a rate in [0, 1) of the gaussian-noise at 3, or of its own for all places, found undefined",
  );
  await assertRejects(() => trained(net(1), {}), PluginError, "expected a rate in [0, 1) of the dropout at 0");
  assertThrows(() => dropoutAugmentation({ rate: 1 }), OptionError, "at 1 nothing would be left to project");
  assertThrows(() => dropoutAugmentation({ steps: -1 }), OptionError, "a whole number of at least 0");
});
