/** Every built-in layer as an ONNX file that ONNX Runtime runs: the same outputs, to 1e-5. */
import { assert, assertEquals } from "@std/assert";
import { type BuildOptions, isFactory, type LayerPlugin, rolesOf, Tensor } from "../../../core/mod.ts";
import * as plugins from "../../../plugins/mod.ts";
import { disturbed } from "../_disturbed.ts";
import { assertSame } from "./_onnx_runtime.ts";

const {
  averagePool1d,
  averagePool2d,
  averagePool3d,
  batchNorm,
  bypass,
  classToken,
  concat,
  conv1d,
  conv2d,
  conv3d,
  decoderBlock,
  dense,
  dropout,
  elu,
  embedding,
  encoderBlock,
  fixedMask,
  flatten,
  gelu,
  globalAveragePool,
  globalMaxPool,
  graph,
  groupNorm,
  gru,
  layerNorm,
  layerScale,
  leakyRelu,
  learnedPositions,
  localResponseNorm,
  logSoftmax,
  lstm,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  maxPoolingDropout,
  maxout,
  merge,
  multiHeadAttention,
  parallel,
  patchDropout,
  patches,
  pickStep,
  relu,
  repeat,
  reshape,
  residual,
  rmsNorm,
  rnn,
  select,
  selu,
  sequential,
  shakeShake,
  sigmoid,
  silu,
  sinusoidalPositions,
  softmax,
  softplus,
  stochasticPooling,
  swapout,
  tanh,
} = plugins;

/** What a layer takes. */
const features = { inputShape: [6] };
const sequence = { inputShape: [-1, 4] };
const signal = { inputShape: [4, 9] };
const openSignal = { inputShape: [4, -1] };
const image = { inputShape: [4, 7, 6] };
const volume = { inputShape: [2, 5, 4, 6] };
const words: BuildOptions = { inputShape: [-1], inputType: "int32" };
const twoSequences = { inputShape: [[5, 4], [7, 4]] };
const otherMemory = { inputShape: [[5, 4], [7, 6]] };

const cases: readonly (readonly [LayerPlugin, BuildOptions])[] = [
  ...[elu({ alpha: 0.7 }), gelu(), gelu({ approximate: "tanh" }), leakyRelu({ negativeSlope: 0.2 }), logSoftmax()]
    .map((layer) => [layer, features] as const),
  ...[relu(), selu(), sigmoid(), silu(), softmax(), softplus(), tanh()].map((layer) => [layer, features] as const),
  [fixedMask(), features],
  [fixedMask(), image],
  [softmax({ axis: 1 }), image],
  [logSoftmax({ axis: 1 }), image],
  [dense(5), features],
  [dense(5, { bias: false }), sequence],
  [dense(5), image],
  [maxout(3, { pieces: 4 }), features],
  [sequential([dense(5), relu(), dense(2), tanh()]), features],
  [sequential([]), features],
  [repeat(dense(6), 3), features],
  [repeat(dense(6), 3, { share: true }), features],
  [residual(sequential([dense(8), relu(), dense(6)])), features],
  [residual(dense(3), { projection: dense(3) }), features],
  [bypass(dense(6)), features],
  [parallel([dense(3), sequential([dense(4), relu(), dense(3)])]), features],
  [parallel([dense(1), dense(3)]), features],
  [concat([dense(3), dense(4, { name: "wide" })]), features],
  [concat([conv2d(2, 1), conv2d(3, 1)]), image],
  [concat([conv2d(2, 1), conv2d(2, 1)], { axis: 2 }), image],
  [select({ from: 1, to: 4 }), features],
  [select({ from: 2 }), sequence],
  [flatten(), image],
  [sequential([flatten(), dense(2)]), signal],
  [reshape([2, -1]), features],
  [reshape([3, 2]), features],
  [reshape([-1, 2]), sequence],
  ...(["add", "multiply", "mean", "max", "concat"] as const).map((by) =>
    [merge(by), { inputShape: [[6], [6], [6]] }] as const
  ),
  [
    graph({
      inputs: ["image", "table"],
      nodes: {
        sum: { layer: merge("add"), inputs: ["left", "right"] },
        left: { layer: sequential([flatten(), dense(8)]), inputs: "image" },
        right: { layer: dense(8), inputs: "table" },
        label: { layer: dense(3), inputs: "sum" },
        size: { layer: dense(1), inputs: "sum" },
      },
      outputs: ["label", "size"],
    }),
    { inputShape: [[1, 4, 4], [6]] },
  ],
  [conv1d(6, 3, { stride: 2, padding: 1 }), signal],
  [conv1d(6, 3, { dilation: 2, padding: 2 }), openSignal],
  [conv2d(6, 3, { padding: "same", groups: 2 }), image],
  [conv2d(6, [3, 2], { stride: [2, 1], padding: "same", dilation: [1, 2], bias: false }), image],
  [conv2d(4, 3, { groups: 4, padding: [1, 0] }), { inputShape: [4, -1, 6] }],
  [sequential([conv2d(5, 2, { padding: "valid" }), relu()]), image],
  [conv3d(3, [2, 3, 2], { stride: 2, padding: 1 }), volume],
  [maxPool1d(3, { stride: 2, padding: 1 }), openSignal],
  [maxPool2d(2), image],
  [maxPool2d([3, 2], { stride: 2, padding: "same" }), image],
  [maxPool3d(2, { stride: 1 }), volume],
  [averagePool1d(3, { stride: 2, padding: 1 }), signal],
  [averagePool2d(3, { stride: 2, padding: 1, countPadding: false }), image],
  [averagePool2d([2, 3], { padding: "same" }), image],
  [averagePool3d(2), volume],
  [globalAveragePool(), image],
  [globalAveragePool({ keepAxes: true }), volume],
  [globalMaxPool(), signal],
  [globalMaxPool({ keepAxes: true }), image],
  [batchNorm(), features],
  [batchNorm({ affine: false, epsilon: 0.1 }), image],
  [batchNorm(), signal],
  [batchNorm(), volume],
  [layerNorm(), sequence],
  [layerNorm({ axes: 2, epsilon: 0.01 }), image],
  [layerNorm({ affine: false }), features],
  [rmsNorm(), sequence],
  [rmsNorm({ affine: false, epsilon: 0.1 }), features],
  [layerScale({ value: 0.5 }), sequence],
  [layerScale({ value: 0.5, features: "first" }), image],
  [classToken({ deviation: 1 }), sequence],
  [pickStep(), sequence],
  [pickStep({ step: -2 }), sequence],
  [patches(2), { inputShape: [3, 4, 6] }],
  [groupNorm(2), image],
  [groupNorm(4, { affine: false }), openSignal],
  [groupNorm(3), features],
  [localResponseNorm(3, { alpha: 0.3, beta: 0.6, k: 2 }), image],
  [localResponseNorm(4, { alpha: 0.3 }), signal],
  [embedding(6, 3), words],
  [embedding(6, 3, { padding: 2 }), words],
  [embedding(6, 3), { inputShape: [2, 3], inputType: "int32" }],
  ...[lstm, gru, rnn].flatMap((layer) => [
    [layer(5), sequence] as const,
    [layer(5, { layers: 2, bidirectional: true, dropout: dropout() }), sequence] as const,
    [
      layer(3, { returnSequences: false, bidirectional: true, bias: false, initialState: "learned" }),
      sequence,
    ] as const,
    [
      sequential([embedding(6, 4, { padding: 0 }), layer(3, { padding: 0, bidirectional: true, layers: 2 })]),
      words,
    ] as const,
    [
      sequential([
        embedding(6, 4, { padding: 0 }),
        layer(3, { padding: 0, bidirectional: true, initialState: "learned", returnSequences: false }),
      ]),
      words,
    ] as const,
  ]),
  [rnn(4, { activation: "relu" }), sequence],
  [lstm(4, { stateful: 8 }), { inputShape: [5, 4] }],
  [multiHeadAttention(2), sequence],
  [multiHeadAttention(2, { causal: true, bias: false }), { inputShape: [5, 4] }],
  [multiHeadAttention(2, { causal: true }), sequence],
  [multiHeadAttention(2, { attends: "memory" }), twoSequences],
  [multiHeadAttention(2, { attends: "memory" }), otherMemory],
  [learnedPositions(), { inputShape: [5, 4] }],
  [learnedPositions({ length: 9 }), sequence],
  [sinusoidalPositions({ scaled: true }), sequence],
  [sinusoidalPositions(), { inputShape: [1000, 3] }],
  [encoderBlock(2), sequence],
  [encoderBlock(2, { norm: "pre", activation: "gelu", feedForward: 5, causal: true }), { inputShape: [5, 4] }],
  [decoderBlock(2), twoSequences],
  [decoderBlock(2, { norm: "pre" }), otherMemory],
  [maxPoolingDropout(2, { rate: 0.3 }), image],
  [maxPoolingDropout(3, { rate: 0.4, stride: 2, padding: "same" }), signal],
  [maxPoolingDropout(2, { rate: 0 }), volume],
  [stochasticPooling(3, { stride: 2, padding: 1 }), image],
  [patchDropout(), { inputShape: [5, 4] }],
  [shakeShake([dense(6), dense(6)]), features],
  [shakeShake([dense(3), dense(3)], { projection: dense(3) }), features],
  [swapout(dense(6), { shortcutRate: 0.3, blockRate: 0.6 }), features],
];

for (const [i, [layer, options]] of cases.entries()) {
  Deno.test(`toOnnx() gives a file with the outputs of ${layer.plugin}, case ${i}`, async () => {
    await assertSame(disturbed(layer, options));
  });
}

Deno.test("each built-in layer has a case", () => {
  const tried = new Set(cases.map(([layer]) => layer.plugin));
  const layers = Object.values<unknown>(plugins).filter(isFactory)
    .filter(({ definition }) => rolesOf(definition).includes("layer")).map(({ definition }) => definition.name);
  assertEquals(layers.filter((name) => !tried.has(name)), []);
});

Deno.test("masks and lengths are further inputs, also such that hide everything", async () => {
  const layer = encoderBlock(2, { causal: true });
  const model = disturbed(layer, { inputShape: [[5, 4], [5]] });
  const x = disturbedInput([3, 5, 4]);
  const mask = Tensor.of([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]]);
  await assertSame(model, {}, [x, mask]);
  const decoder = disturbed(decoderBlock(2), { inputShape: [[5, 4], [5, 4], [5], [5]] });
  await assertSame(decoder, {}, [x, disturbedInput([3, 5, 4]).mul(2), mask, mask]);
  for (const recurrent of [lstm, gru, rnn]) {
    const padded = recurrent(3, { bidirectional: true, initialState: "learned" });
    const lengths = Tensor.of([3, 5, 0]).reshape([3, 1]);
    await assertSame(disturbed(padded, { inputShape: [[5, 4], [1]] }), {}, [x, lengths]);
    const last = padded.with({ returnSequences: false }) as LayerPlugin;
    await assertSame(disturbed(last, { inputShape: [[5, 4], [1]] }), {}, [x, lengths]);
  }
});

function disturbedInput(shape: number[]): Tensor {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(3 * i + 1));
  assert(values.length > 0);
  return Tensor.from(values, shape);
}
