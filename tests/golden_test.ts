/**
 * Operations, layers, losses and optimizers against what another framework computed in float64, from the folder
 * named by THINNED_GOLDEN: one JSON file a case. To add a layer, add a runner under the prefix of its cases' names.
 */
import { assertEquals } from "@std/assert";
import {
  affine,
  averagePool,
  convolution,
  crossEntropyRows,
  type CrossEntropyRowsOptions,
  maxPool,
  normalize,
  type Plugin,
  type PoolWindow,
  Tensor,
} from "../core/mod.ts";
import { meanSquaredError } from "../plugins/losses/mean_squared_error.ts";
import { adam } from "../plugins/optimizers/adam.ts";
import { sgd } from "../plugins/optimizers/sgd.ts";
import { assertClose, type Case, checkFunction, goldenCases, goldenFolder, labels, tensor } from "./_golden_cases.ts";
import { lossOf, updates } from "./plugins/_apply.ts";

type Runner = (given: Case) => void;

/** A function of one tensor. */
const elementwise = (f: (x: Tensor, attrs: Case["attrs"]) => Tensor): Runner => (given) =>
  checkFunction(given, ({ x }) => f(x, given.attrs), ["x"]);

/** Cross-entropy reduced as the other framework does: the mean is over the weights of the labels that count. */
function crossEntropy(given: Case): void {
  const { weight, label_smoothing = 0, ignore_index, reduction } = given.attrs;
  const targets = labels(given.inputs.target);
  const weights: number[] = weight ?? new Array(given.inputs.x.shape[1]).fill(1);
  const options: CrossEntropyRowsOptions = { labelSmoothing: label_smoothing, ignoreIndex: ignore_index };
  if (weight !== undefined) options.weights = Tensor.of(weights, "float64");
  const mass = targets.ints.reduce((sum, label) => sum + (label === ignore_index ? 0 : weights[label]), 0);
  checkFunction(given, ({ x }) => {
    const sum = crossEntropyRows(x, targets, options).sum();
    return reduction === "sum" ? sum : sum.div(mass);
  }, ["x"]);
}

/** An optimizer on the mean squared error of `X w` and `Y`: the weight after each step. */
const optimizer = (make: (attrs: Case["attrs"]) => Plugin<"optimizer">): Runner => (given) => {
  const [x, y, start] = ["X", "Y", "w0"].map((name) => tensor(given.inputs[name]));
  const expected = Object.values(given.outputs);
  const found = updates(make(given.attrs), start, (w) => x.matmul(w).sub(y).square().mean(), expected.length);
  expected.forEach((written, i) => assertClose(Tensor.from(found[i], start.shape, "float64"), written, `w${i + 1}`));
};

const sgdOf = optimizer((attrs) =>
  sgd({
    learningRate: attrs.lr,
    momentum: attrs.momentum,
    dampening: attrs.dampening,
    weightDecay: attrs.weight_decay,
    nesterov: attrs.nesterov,
  })
);

const adamOf = optimizer((attrs) =>
  adam({
    learningRate: attrs.lr,
    beta1: attrs.betas[0],
    beta2: attrs.betas[1],
    epsilon: attrs.eps,
    weightDecay: attrs.weight_decay,
  })
);

/** How the window of a case moves, over two axes. */
const square = ({ kernel, stride, padding }: Case["attrs"]): PoolWindow => ({
  kernel: [kernel, kernel],
  stride: [stride, stride],
  padding: [[padding, padding], [padding, padding]],
});

/** A convolution over one or two axes. */
const convolutionOf: Runner = (given) => {
  const { stride, padding, dilation = 1, groups = 1 } = given.attrs;
  const axes = given.inputs.x.shape.slice(2);
  checkFunction(given, ({ x, weight, bias }) =>
    convolution(x, weight, bias, {
      stride: axes.map(() => stride),
      padding: axes.map(() => [padding, padding]),
      dilation: axes.map(() => dilation),
      groups,
    }), ["x", "weight", "bias"]);
};

/** A normalisation with scale and shift. */
const normalization = (over: "channel" | "group" | "trailing", count = 1): Runner => (given) =>
  checkFunction(given, ({ x, weight, bias }) => normalize(x, { over, count, scale: weight, shift: bias }).output, [
    "x",
    "weight",
    "bias",
  ]);

/** How each case is run, by the prefix of its name; the longest prefix counts. */
const runners: Record<string, Runner> = {
  act_elu: elementwise((x, { alpha }) => x.elu(alpha)),
  act_gelu: elementwise((x) => x.gelu()),
  act_gelu_tanh: elementwise((x) => x.gelu("tanh")),
  act_leaky_relu: elementwise((x, { negative_slope }) => x.leakyRelu(negative_slope)),
  act_log_softmax: elementwise((x) => x.logSoftmax()),
  act_relu: elementwise((x) => x.relu()),
  act_selu: elementwise((x) => x.selu()),
  act_sigmoid: elementwise((x) => x.sigmoid()),
  act_silu: elementwise((x) => x.silu()),
  act_softmax: elementwise((x) => x.softmax()),
  act_softplus: elementwise((x) => x.softplus()),
  act_tanh: elementwise((x) => x.tanh()),
  avgpool2d: (given) => checkFunction(given, ({ x }) => averagePool(x, square(given.attrs)), ["x"]),
  batchnorm1d: normalization("channel"),
  batchnorm2d: normalization("channel"),
  conv1d: convolutionOf,
  conv2d: convolutionOf,
  cross_entropy: crossEntropy,
  groupnorm: normalization("group", 2),
  layernorm: normalization("trailing"),
  linear: (given) => checkFunction(given, ({ x, weight, bias }) => affine(x, weight, bias), ["x", "weight", "bias"]),
  maxpool2d: (given) => checkFunction(given, ({ x }) => maxPool(x, square(given.attrs)), ["x"]),
  loss_mse: (given) => {
    const target = tensor(given.inputs.b);
    checkFunction(given, ({ a }) => lossOf(meanSquaredError(), a, target), ["a"]);
  },
  optim_adam: adamOf,
  optim_momentum: sgdOf,
  optim_nesterov: sgdOf,
  optim_sgd: sgdOf,
};

function runnerOf(name: string): Runner | undefined {
  const prefix = Object.keys(runners)
    .filter((prefix) => name === prefix || name.startsWith(`${prefix}_`))
    .sort((a, b) => b.length - a.length)[0];
  return runners[prefix];
}

const folder = goldenFolder();
if (folder === undefined) {
  Deno.test("golden files are left out: THINNED_GOLDEN does not name their folder, or --allow-env is missing", () => {
    console.log("Set THINNED_GOLDEN to the folder of golden files to compare with another framework.");
  });
} else {
  const cases = goldenCases(folder);
  for (const given of cases) {
    const runner = runnerOf(given.name);
    if (runner !== undefined) Deno.test(`${given.name} agrees with its golden file`, () => runner(given));
  }
  Deno.test("every runner has a golden file", () => {
    const without = cases.filter((given) => runnerOf(given.name) === undefined).map((given) => given.name);
    if (without.length > 0) console.log(`No runner for ${without.join(", ")}.`);
    const used = new Set(cases.map((given) => runnerOf(given.name)));
    assertEquals(Object.entries(runners).filter(([, runner]) => !used.has(runner)).map(([prefix]) => prefix), []);
  });
}
