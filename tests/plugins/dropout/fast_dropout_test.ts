/** Fast dropout: the moments and losses of its paper, against enumeration and many samples; training by them. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import {
  buildModel,
  type Dataset,
  type ExpectationForm,
  fit,
  gradients,
  Key,
  type LayerPlugin,
  lossOf,
  type LossValue,
  type Moments,
  noGrad,
  type Plugin,
  PluginError,
  Tensor,
} from "../../../core/mod.ts";
import {
  batchNorm,
  binaryCrossEntropy,
  crossEntropy,
  dense,
  dropout,
  fastDropout,
  gelu,
  huber,
  meanSquaredError,
  relu,
  sequential,
  sgd,
  sigmoid,
} from "../../../plugins/mod.ts";
import { options } from "../../core/_runs.ts";

/** The paper's setting by hand: x = (1, 2), w = (.5, -1), each input kept with probability 1/2 and not scaled. */
function byHand(...behind: LayerPlugin[]) {
  const layers = [dropout({ rate: 0.5, convention: "classic" }), dense(1, { bias: false }), ...behind];
  const model = buildModel(sequential(layers), { inputShape: [2], seed: 1, dtype: "float64" });
  model.parameters()[0].tensor.assign(Tensor.of([[0.5, -1]], "float64"));
  return model.moments(Tensor.of([[1, 2]], "float64"), { mode: "train", step: 0 });
}

/** The pre-activations of the four masks. */
const four = [0, 0.5, -2, -1.5];
const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;

function expected(
  loss: Plugin<"loss">,
  outputs: Moments,
  targets: Tensor,
  form: ExpectationForm = "probit",
): LossValue {
  return loss.definition.expected!(outputs, targets, loss.options, form);
}

const normal = (mu: number, v: number): Moments => ({
  mean: Tensor.of([[mu]], "float64"),
  variance: Tensor.of([[v]], "float64"),
});

Deno.test("the logistic function's mean is the paper's: .700014 at N(1, 1), .776845 at N(2, 4), near the exact ones", () => {
  const model = buildModel(sigmoid(), { inputShape: [1], dtype: "float64" });
  assertAlmostEquals(model.moments(normal(1, 1)).mean.item(), 0.700014, 5e-7);
  assertAlmostEquals(model.moments(normal(2, 4)).mean.item(), 0.776845, 5e-7);
  assertAlmostEquals(model.moments(normal(1, 1)).mean.item(), 0.696735, 0.004);
});

Deno.test("a rectifier's mean and variance are the published ones at N(0, 1), N(1, 1) and N(-1, 1)", () => {
  const model = buildModel(relu(), { inputShape: [1], dtype: "float64" });
  for (const [mu, m, v] of [[0, 0.398942, 0.340845], [1, 1.083315, 0.751088], [-1, 0.083315, 0.068398]]) {
    const found = model.moments(normal(mu, 1));
    assertAlmostEquals(found.mean.item(), m, 6e-7);
    assertAlmostEquals(found.variance.item(), v, 6e-7);
  }
});

Deno.test("x = (1, 2), w = (.5, -1) at rate 1/2: mean -.75, variance 1.0625, and the activations' means", () => {
  const output = byHand();
  assertAlmostEquals(output.mean.item(), mean(four), 1e-12);
  assertAlmostEquals(output.variance.item(), mean(four.map((z) => (z + 0.75) ** 2)), 1e-12);
  assertAlmostEquals(output.variance.item(), 1.0625, 1e-12);
  assertAlmostEquals(byHand(sigmoid()).mean.item(), 0.347511, 5e-7);
  assertAlmostEquals(mean(four.map(logistic)), 0.356022, 5e-7); // what it stands for
  assertAlmostEquals(byHand(relu()).mean.item(), 0.140513, 5e-7);
});

Deno.test("the expected logistic loss there is 1.258289, as delta 1.252628; four masks give 1.248891", () => {
  const yes = Tensor.of([[1]], "float64");
  const loss = (form: ExpectationForm, targets = yes) =>
    expected(binaryCrossEntropy(), byHand(), targets, form).sum.item();
  assertAlmostEquals(loss("probit"), 1.258289, 5e-7);
  assertAlmostEquals(loss("delta"), 1.252628, 5e-7);
  assertAlmostEquals(mean(four.map((z) => -Math.log(logistic(z)))), 1.248891, 5e-7);
  // The loss of the other class differs by the mean logit, in either form.
  for (const form of ["probit", "delta"] as const) {
    assertAlmostEquals(loss(form) - loss(form, Tensor.of([[0]], "float64")), 0.75, 1e-12);
  }
});

Deno.test("the expected squared error is (y - mu)^2 + v: exact, by enumeration", () => {
  const found = expected(meanSquaredError(), byHand(), Tensor.of([[2]], "float64")).sum.item();
  assertAlmostEquals(found, mean(four.map((z) => (2 - z) ** 2)), 1e-12);
});

const logits = Tensor.normal([6, 3], Key.seed(2).at("logits"), "float64");
const labels = Tensor.of([0, 2, 1, 1, 0, 2], "int32");
const shares = logits.neg().softmax();
const losses: [Plugin<"loss">, Tensor][] = [
  [crossEntropy(), labels],
  [crossEntropy({ classWeights: [1, 3, 0.5], labelSmoothing: 0.2, ignoreIndex: 2 }), labels],
  [crossEntropy({ classWeights: [1, 3, 0.5], labelSmoothing: 0.2 }), shares],
  [binaryCrossEntropy(), shares],
  [binaryCrossEntropy({ positiveWeight: [2, 1, 0.5], reduction: "sum" }), shares],
  [meanSquaredError(), shares],
];

Deno.test("where there is no variance, the expected loss is the loss, with every option", () => {
  for (const [loss, targets] of losses) {
    for (const form of ["probit", "delta"] as const) {
      const { sum, weight } = expected(
        loss,
        { mean: logits, variance: Tensor.zeros([6, 3], "float64") },
        targets,
        form,
      );
      const plain = loss.definition.loss(logits, targets, loss.options);
      assertAlmostEquals(sum.item(), plain.sum.item(), 1e-12);
      assertEquals(weight, plain.weight);
    }
  }
});

Deno.test("with a small variance, every expected loss is that of many normal logits", () => {
  const variance = Tensor.uniform([6, 3], Key.seed(3).at("variance"), "float64").mul(0.1);
  const draws = 20000;
  // All draws at once, as rows of one batch.
  const noise = Tensor.normal([draws, 6, 3], Key.seed(4).at("noise"), "float64");
  const drawn = noise.mul(variance.sqrt()).add(logits).reshape([draws * 6, 3]);
  for (const [loss, targets] of losses) {
    const rows = targets.dtype === "int32"
      ? Tensor.from(Array.from({ length: draws * 6 }, (_, i) => targets.ints[i % 6]), [draws * 6], "int32")
      : Tensor.stack(new Array(draws).fill(targets)).reshape([draws * 6, 3]);
    const many = loss.definition.loss(drawn, rows, loss.options).sum.item() / draws;
    for (const form of ["probit", "delta"] as const) {
      const found = expected(loss, { mean: logits, variance }, targets, form).sum.item();
      const { sum } = loss.definition.loss(logits, targets, loss.options);
      const [gap, term] = [many - sum.item(), found - sum.item()];
      // The term that the variance adds: of it the probit form leaves out a fifth at the middle. The loss of one draw of all
      // 18 logits deviates by less than 0.5, so five standard errors are 0.018.
      assert(Math.abs(gap - term) < 0.22 * Math.abs(gap) + 0.018, `${loss.plugin} ${form}: ${gap}, ${term}`);
      assert(term > 0.05, `${loss.plugin} ${form}: ${term}`);
    }
  }
});

Deno.test("as delta, the expected loss adds half of each variance times the loss's second derivative", () => {
  const variance = Tensor.uniform([6, 3], Key.seed(3).at("variance"), "float64");
  const h = 1e-3;
  for (const [loss, targets] of losses) {
    const at = (entry: number, step: number) => {
      const moved = logits.clone();
      moved.floats[entry] += step;
      return loss.definition.loss(moved, targets, loss.options).sum.item();
    };
    const curved = Array.from(variance.floats).reduce(
      (sum, v, i) => sum + v * (at(i, h) + at(i, -h) - 2 * at(i, 0)) / (2 * h * h),
      at(0, 0),
    );
    assertAlmostEquals(expected(loss, { mean: logits, variance }, targets, "delta").sum.item(), curved, 1e-5);
  }
});

Deno.test("with two classes, the softmax loss's second order is that of the logistic loss of the difference", () => {
  const pair = { mean: Tensor.of([[0.3, -0.9]], "float64"), variance: Tensor.of([[0.5, 1.5]], "float64") };
  const softmax = expected(crossEntropy(), pair, Tensor.of([0], "int32")).sum.item();
  const yes = Tensor.of([[1]], "float64");
  assertAlmostEquals(softmax, expected(binaryCrossEntropy(), normal(1.2, 2), yes, "delta").sum.item(), 1e-12);
});

Deno.test("loss and gradient of logistic regression, and of nets with a hidden layer, are near the average of many dropout passes", () => {
  const inputs = Tensor.normal([16, 30], Key.seed(5).at("x"));
  const targets = inputs.slice([0, 0], [16, 1]).greater(0);
  const net = (activation: LayerPlugin) => [dropout({ rate: 0.2 }), dense(40), activation, dropout(), dense(1)];
  for (const layers of [[dropout(), dense(1)], net(relu()), net(sigmoid())]) {
    const model = buildModel(sequential(layers), { inputShape: [30], seed: 7 });
    const parameters = model.parameters().map(({ tensor }) => tensor);
    const fast = expected(binaryCrossEntropy(), model.moments(inputs, { mode: "train", step: 0 }), targets).sum.div(16);
    const slopes = gradients(fast, parameters);
    const passes = 400;
    const values: number[] = [];
    const average = parameters.map(({ size }) => new Float64Array(size));
    for (let step = 0; step < passes; step++) {
      const loss = lossOf(binaryCrossEntropy(), model.forward(inputs, { mode: "train", step }), targets);
      values.push(loss.item());
      gradients(loss, parameters).forEach((gradient, i) => {
        gradient.floats.forEach((value, j) => average[i][j] += value / passes);
      });
    }
    const deviation = Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)) / passes);
    // Five standard errors, and 2 % for what is taken as normal and independent.
    assertAlmostEquals(noGrad(() => fast.item()), mean(values), 5 * deviation + 0.02 * mean(values));
    slopes.forEach(({ floats }, i) => {
      const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        Array.from(a).reduce((sum, x, j) => sum + x * b[j], 0);
      const cosine = dot(floats, average[i]) / Math.sqrt(dot(floats, floats) * dot(average[i], average[i]));
      assert(cosine > 0.95, `${layers.length} layers: the gradient of parameter ${i} has the cosine ${cosine}`);
    });
  }
});

/** The four points of JMLR 15 (2014), section 9.1: two inputs, one of them 1. */
function regression(): Dataset {
  const inputs = Float32Array.of(1, 0, 1, 1, 1, 2, 1, 3);
  const part = { count: 4, shape: [2], inputs, scale: 1, targets: Float32Array.of(1, 2, 2, 4) };
  return { name: "four points", classes: 0, outputs: 1, train: part, test: part };
}

Deno.test("linear regression reaches the closed form of dropout: at keep .5 the weights (.765957, .478723), value 9.489362", async () => {
  const { model, runningLoss } = await fit(sequential([dropout({ rate: 0.5 }), dense(1, { bias: false })]), {
    data: regression(),
    loss: meanSquaredError(),
    learning: fastDropout(),
    optimizer: sgd({ learningRate: 0.1 }),
    epochs: 400,
    batchSize: 4,
    seed: 1,
  });
  const [a, b] = model.parameters()[0].tensor.floats;
  assertAlmostEquals(a, 0.765957, 2e-6); // inverted dropout: these are the scaled weights themselves
  assertAlmostEquals(b, 0.478723, 2e-6);
  assertAlmostEquals(4 * runningLoss, 9.489362, 1e-5);
});

/** Two points of training's end, with fast dropout and without. */
async function both(root: LayerPlugin, changes: Partial<Parameters<typeof fit>[1]> = {}) {
  const plain = await fit(root, options({ ...changes, epochs: 2 }));
  const fast = await fit(root, options({ ...changes, epochs: 2, learning: fastDropout() }));
  return [plain, fast].map(({ model, runningLoss, runningError }) => ({
    weights: [...model.parameters().map(({ tensor }) => tensor), ...model.state().values()].flatMap((
      t,
    ) => [...t.floats]),
    metrics: [runningLoss, runningError],
  }));
}

Deno.test("at rate 0 it learns as training without dropout does, batch norm and class weights included, in parts too", async () => {
  const net = (rate: number) =>
    sequential([dropout({ rate }), dense(5), batchNorm(), relu(), dropout({ rate }), dense(3)]);
  const loss = crossEntropy({ classWeights: [1, 2, 0.5] });
  for (const accumulate of [1, 3]) {
    const root = accumulate === 1 ? net(0) : sequential([dense(5), relu(), dropout({ rate: 0 }), dense(3)]);
    const [plain, fast] = await both(root, { loss, accumulate });
    plain.weights.forEach((value, i) => assertAlmostEquals(fast.weights[i], value, 1e-4));
    plain.metrics.forEach((value, i) => assertAlmostEquals(fast.metrics[i], value, 1e-4));
  }
  const [plain, fast] = await both(net(0.4), { loss });
  assertNotEquals(fast.weights, plain.weights);
});

Deno.test("it draws nothing: the name that the addresses of dropout's draws follow from does not matter", async () => {
  const layers = [dropout({ rate: 0.4 }), dense(4), relu(), dense(3)];
  const named = sequential([dropout({ rate: 0.4, name: "renamed" }), ...layers.slice(1)]);
  const learn = (root: LayerPlugin) => fit(root, options({ epochs: 2, learning: fastDropout() }));
  const [one, other] = [await learn(sequential(layers)), await learn(named)];
  one.model.parameters().forEach(({ tensor }, i) =>
    assertEquals(tensor.floats, other.model.parameters()[i].tensor.floats)
  );
});

Deno.test("a layer without moments and a loss without an expectation are refused by name", async () => {
  await assertRejects(
    () => fit(sequential([dense(4), gelu(), dense(3)]), options({ learning: fastDropout() })),
    PluginError,
    "model.1 (gelu): has no moments",
  );
  await assertRejects(
    () => fit(dense(1), options({ data: regression(), loss: huber(), learning: fastDropout() })),
    PluginError,
    "fast-dropout: expected a loss that has an expectation over normal outputs, found huber",
  );
});
