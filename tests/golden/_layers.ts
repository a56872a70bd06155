/** Dense, convolution, pooling and normalisation layers, and the embedding. */
import { buildModel, gradients } from "../../core/mod.ts";
import * as plugins from "../../plugins/mod.ts";
import {
  assertGolden,
  checkLayer,
  type GoldenCase,
  numberOf,
  refuse,
  type Runner,
  tensorOf,
  upstreamOf,
} from "./_golden.ts";

/** Number of spatial axes. */
const axesOf = (golden: GoldenCase) => golden.inputs.x.shape.length - 2;

const convolution: Runner = (golden, dtype) => {
  const make = [plugins.conv1d, plugins.conv2d, plugins.conv3d][axesOf(golden) - 1];
  const { stride, padding, dilation, groups } = golden.attrs;
  const { weight, bias } = golden.params;
  const kernel = weight.shape.slice(2);
  const options = { stride, padding, dilation, groups, bias: bias !== undefined };
  checkLayer(make(weight.shape[0], kernel.length === 1 ? kernel[0] : kernel, options), golden, dtype);
};

const maxPool: Runner = (golden, dtype) => {
  refuse(golden, "ceil_mode");
  const make = [plugins.maxPool1d, plugins.maxPool2d, plugins.maxPool3d][axesOf(golden) - 1];
  const { kernel, kernel_size = kernel, stride, padding } = golden.attrs;
  checkLayer(make(kernel_size, { stride, padding }), golden, dtype);
};

const averagePool: Runner = (golden, dtype) => {
  refuse(golden, "ceil_mode", "divisor_override");
  const make = [plugins.averagePool1d, plugins.averagePool2d, plugins.averagePool3d][axesOf(golden) - 1];
  const { kernel, kernel_size = kernel, stride, padding } = golden.attrs;
  const { count_include_pad: countPadding = !/count_include_pad=False/.test(golden.note) } = golden.attrs;
  checkLayer(make(kernel_size, { stride, padding, countPadding }), golden, dtype);
};

const epsilonOf = (golden: GoldenCase) => numberOf(golden, ["eps"], /eps ([\d.e-]+)/, 1e-5);

const batchNorm: Runner = (golden, dtype) => {
  const { params, outputs } = golden;
  const momentum = numberOf(golden, ["momentum"], /momentum ([\d.e-]+)/, 0.1);
  const layer = plugins.batchNorm({ momentum, epsilon: epsilonOf(golden), affine: params.weight !== undefined });
  const model = checkLayer(layer, golden, dtype, { run: { mode: "train", step: 0 } });
  assertGolden(model.state().get("mean")!, outputs.running_mean_after, "running mean");
  assertGolden(model.state().get("variance")!, outputs.running_var_after, "running variance");
  const x = tensorOf(golden.inputs.x, dtype);
  assertGolden(model.forward(x), outputs.y_eval, "y in evaluation");
  assertGolden(model.forward(x, { mode: "sample", step: 0 }), outputs.y_eval, "y in Monte Carlo sampling");
};

const layerNorm: Runner = (golden, dtype) => {
  const { weight } = golden.params;
  const { normalized_shape } = golden.attrs;
  const axes = weight?.shape.length ?? [normalized_shape ?? 1].flat().length;
  checkLayer(plugins.layerNorm({ axes, epsilon: epsilonOf(golden), affine: weight !== undefined }), golden, dtype);
};

const groupNorm: Runner = (golden, dtype) => {
  const groups = numberOf(golden, ["groups", "num_groups"], /(\d+) groups/, 1);
  const affine = golden.params.weight !== undefined;
  checkLayer(plugins.groupNorm(groups, { epsilon: epsilonOf(golden), affine }), golden, dtype);
};

const linear: Runner = (golden, dtype) => {
  const { weight, bias } = golden.params;
  checkLayer(plugins.dense(weight.shape[0], { bias: bias !== undefined }), golden, dtype);
};

const embedding: Runner = (golden, dtype) => {
  const { inputs: { ids }, params, outputs, grads, attrs: { padding_idx } } = golden;
  const [vocabulary, features] = params.weight.shape;
  const padding = padding_idx == null ? undefined : (padding_idx + vocabulary) % vocabulary;
  for (const inputType of ["int32", dtype] as const) {
    const layer = plugins.embedding(vocabulary, features);
    const model = buildModel(layer, { inputShape: ids.shape.slice(1), inputType, dtype });
    const [{ tensor: weight }] = model.parameters();
    weight.assign(tensorOf(params.weight, dtype));
    const y = model.forward(tensorOf(ids, inputType));
    assertGolden(y, outputs.y, "y");
    const [found] = gradients(y, [weight], upstreamOf(golden, dtype));
    // The other framework reads the padding's row like any other, and keeps it from learning.
    if (padding !== undefined) found.floats.fill(0, padding * features, (padding + 1) * features);
    assertGolden(found, grads.d_weight, "d_weight");
  }
};

/** By the beginning of a case's name. */
export const layers: Record<string, Runner> = {
  avgpool1d: averagePool,
  avgpool2d: averagePool,
  avgpool3d: averagePool,
  batchnorm1d: batchNorm,
  batchnorm2d: batchNorm,
  batchnorm3d: batchNorm,
  conv1d: convolution,
  conv2d: convolution,
  conv3d: convolution,
  embedding,
  groupnorm: groupNorm,
  layernorm: layerNorm,
  linear,
  maxpool1d: maxPool,
  maxpool2d: maxPool,
  maxpool3d: maxPool,
};
