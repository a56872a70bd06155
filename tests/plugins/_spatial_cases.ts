/** Convolution, pooling and normalisation against PyTorch's answers: what each case checks. */
import {
  buildModel,
  type FloatType,
  gradients,
  type LayerPlugin,
  type Mode,
  type Model,
  type Tensor,
} from "../../core/mod.ts";
import { averagePool2d, batchNorm, conv1d, conv2d, groupNorm, layerNorm, maxPool2d } from "../../plugins/mod.ts";
import { assertGolden, type GoldenArray, type GoldenCase, goldenTensor } from "../_golden.ts";

/** A model of one layer with the case's parameters and state. */
function loaded(layer: LayerPlugin, golden: GoldenCase, dtype: FloatType): Model {
  const model = buildModel(layer, { inputShape: golden.inputs.x.shape.slice(1), dtype });
  const given: Record<string, GoldenArray> = {
    "model/weight": golden.params.weight,
    "model/bias": golden.params.bias,
    "state/mean": golden.params.running_mean,
    "state/variance": golden.params.running_var,
  };
  const known = Object.entries(given).filter(([, array]) => array !== undefined);
  model.load(new Map(known.map(([name, array]) => [name, goldenTensor(array, dtype)])));
  return model;
}

/** Checks the output and all gradients of a layer. */
function check(layer: LayerPlugin, golden: GoldenCase, dtype: FloatType, mode: Mode = "eval"): Model {
  const model = loaded(layer, golden, dtype);
  const x = goldenTensor(golden.inputs.x, dtype).withGradient();
  const y = model.forward(x, { mode });
  assertGolden(y, golden.outputs.y, "y");
  const parameters = model.parameters();
  const wrt: Tensor[] = [x, ...parameters.map(({ tensor }) => tensor)];
  const found = gradients(y, wrt, goldenTensor(golden.upstream.dy, dtype));
  ["x", ...parameters.map(({ name }) => name)].forEach((name, i) => {
    assertGolden(found[i], golden.grads[`d_${name}`], `d_${name}`);
  });
  return model;
}

/** A case's settings, all of them numbers. */
const numbers = (golden: GoldenCase) => golden.attrs as Readonly<Record<string, number>>;

/** Each case by its name. */
export const spatialCases: Readonly<Record<string, (golden: GoldenCase, dtype: FloatType) => void>> = {
  conv1d: convolution1d,
  conv2d_0: convolution2d,
  conv2d_1: convolution2d,
  conv2d_2: convolution2d,
  conv2d_3: convolution2d,
  conv2d_4: convolution2d,
  maxpool2d(golden, dtype) {
    const { kernel, stride, padding } = numbers(golden);
    check(maxPool2d(kernel, { stride, padding }), golden, dtype);
  },
  avgpool2d(golden, dtype) {
    const { kernel, stride, padding } = numbers(golden);
    check(averagePool2d(kernel, { stride, padding }), golden, dtype);
  },
  batchnorm1d: batchNormalization,
  batchnorm2d: batchNormalization,
  layernorm: (golden, dtype) => void check(layerNorm(), golden, dtype),
  groupnorm: (golden, dtype) => void check(groupNorm(2), golden, dtype),
};

function convolution1d(golden: GoldenCase, dtype: FloatType): void {
  const { kernel, stride, padding } = numbers(golden);
  check(conv1d(golden.outputs.y.shape[1], kernel, { stride, padding }), golden, dtype);
}

function convolution2d(golden: GoldenCase, dtype: FloatType): void {
  const { kernel, stride, padding, dilation, groups } = numbers(golden);
  check(conv2d(golden.outputs.y.shape[1], kernel, { stride, padding, dilation, groups }), golden, dtype);
}

function batchNormalization(golden: GoldenCase, dtype: FloatType): void {
  const model = check(batchNorm(), golden, dtype, "train");
  assertGolden(model.state().get("mean")!, golden.outputs.running_mean_after, "running mean");
  assertGolden(model.state().get("variance")!, golden.outputs.running_var_after, "running variance");
  const x = goldenTensor(golden.inputs.x, dtype);
  assertGolden(model.forward(x), golden.outputs.y_eval, "y in evaluation");
  assertGolden(model.forward(x, { mode: "sample" }), golden.outputs.y_eval, "y in Monte Carlo sampling");
}
