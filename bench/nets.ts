/**
 * The nets whose training steps are timed, also beside the peers': the same shapes, batches and dropout in
 * `peers/torch_steps.py` and `peers/tfjs_steps.ts`.
 *
 * @module
 */
import {
  attentionDropout,
  averagePool2d,
  type Batch,
  buildModel,
  conv2d,
  crossEntropy,
  dense,
  dropout,
  embedding,
  encoderBlock,
  flatten,
  gradients,
  Key,
  type LayerPlugin,
  lossOf,
  lstm,
  maxPool2d,
  OptimizerDriver,
  recycling,
  relu,
  sequential,
  sgd,
  sinusoidalPositions,
  spatialDropout,
  tanh,
  Tensor,
} from "../mod.ts";

/** A net with the shape of its batch. */
export interface Net {
  /** What it is, in a few words. */
  readonly what: string;
  /** The layers. */
  readonly layers: LayerPlugin;
  /** Examples a step. */
  readonly batch: number;
  /** Shape of one example. */
  readonly shape: readonly number[];
  /** Inputs are whole numbers below this; uniform numbers when absent. */
  readonly vocabulary?: number;
  /** Labels for each example: 1, or one for each step of a sequence. */
  readonly labels: number;
  /** Number of classes. */
  readonly classes: number;
}

const thin = (rate: number) => dropout({ rate });

/** Widths of the net that most cases are about. */
export const mlpWidths: readonly number[] = [784, 1024, 1024, 1024, 10];
/** Its batch. */
export const mlpBatch = 128;

/** That net with some kind of dropout on inputs (0.2) and hidden units (0.5), or on hidden units alone. */
export function mlp(how: string, variant: ((rate: number) => LayerPlugin) | undefined, inputs = true): Net {
  const drop = (rate: number) => variant === undefined ? [] : [variant(rate)];
  const hidden = mlpWidths.slice(1, -1);
  return {
    what: `784-1024-1024-1024-10, ${how}, batch ${mlpBatch}`,
    layers: sequential([
      ...(inputs ? drop(0.2) : []),
      ...hidden.flatMap((units) => [dense(units), relu(), ...drop(0.5)]),
      dense(10),
    ]),
    batch: mlpBatch,
    shape: [784],
    labels: 1,
    classes: 10,
  };
}

/** The 2014 paper's CIFAR net without dropout, or with channels that the batch shares dropped behind its convolutions. */
function convolutions(spatial: boolean): Net {
  return {
    what: `96-128-256 5x5 convolutions, two layers of 2048, ${spatial ? "shared spatial" : "no"} dropout, batch 64`,
    layers: sequential([
      ...[96, 128, 256].flatMap((channels) => [
        conv2d(channels, 5, { padding: 2 }),
        relu(),
        ...(spatial ? [spatialDropout({ rate: 0.5, share: "batch" })] : []),
        maxPool2d(3, { stride: 2 }),
      ]),
      flatten(),
      dense(2048),
      relu(),
      dense(2048),
      relu(),
      dense(10),
    ]),
    batch: 64,
    shape: [3, 32, 32],
    labels: 1,
    classes: 10,
  };
}

/** The nets by name. */
export const nets: Readonly<Record<string, () => Net>> = {
  "mlp": () => mlp("dropout 0.2/0.5", thin),
  "mlp-plain": () => mlp("no dropout", undefined),
  "mlp-shared": () => mlp("dropout 0.2/0.5 shared by the batch", (rate) => dropout({ rate, share: ["batch"] })),
  "mlp-groups": () => mlp("dropout 0.2/0.5 shared by 32 examples", (rate) => dropout({ rate, group: 32 })),
  "mlp-hidden": () => mlp("dropout 0.5 on hidden units", thin, false),
  "small": () => ({
    what: "784-128-10, dropout 0.5, batch 32",
    layers: sequential([dense(128), relu(), thin(0.5), dense(10)]),
    batch: 32,
    shape: [784],
    labels: 1,
    classes: 10,
  }),
  "conv-plain": () => convolutions(false),
  "conv-spatial": () => convolutions(true),
  "lenet": () => ({
    what: "LeNet-5 on 1 x 28 x 28, dropout 0.5, batch 128",
    layers: sequential([
      conv2d(6, 5, { padding: 2 }),
      tanh(),
      averagePool2d(2),
      conv2d(16, 5),
      tanh(),
      averagePool2d(2),
      flatten(),
      dense(120),
      tanh(),
      thin(0.5),
      dense(84),
      tanh(),
      dense(10),
    ]),
    batch: 128,
    shape: [1, 28, 28],
    labels: 1,
    classes: 10,
  }),
  "cifar": () => ({
    what: "the 2014 paper's CIFAR net: 96-128-256 5x5 convolutions, two layers of 2048, dropout everywhere, batch 64",
    layers: sequential([
      thin(0.1),
      ...[[96, 0.25], [128, 0.25], [256, 0.5]].flatMap(([channels, rate]) => [
        conv2d(channels, 5, { padding: 2 }),
        relu(),
        maxPool2d(3, { stride: 2 }),
        thin(rate),
      ]),
      flatten(),
      dense(2048),
      relu(),
      thin(0.5),
      dense(2048),
      relu(),
      thin(0.5),
      dense(10),
    ]),
    batch: 64,
    shape: [3, 32, 32],
    labels: 1,
    classes: 10,
  }),
  "lstm": () => ({
    what: "LSTM 2 x 650 over 10,000 words, dropout 0.5, batch 20, 35 steps",
    layers: sequential([
      embedding(10000, 650),
      thin(0.5),
      lstm(650, { layers: 2, dropout: dropout({ rate: 0.5 }) }),
      thin(0.5),
      dense(10000),
    ]),
    batch: 20,
    shape: [35],
    vocabulary: 10000,
    labels: 35,
    classes: 10000,
  }),
  "transformer": () => ({
    what: "a transformer encoder of 6 layers, width 256, 8 heads, inner 1024, dropout 0.1, batch 16, 128 steps",
    layers: sequential([
      embedding(1000, 256),
      sinusoidalPositions({ dropout: thin(0.1) }),
      ...Array.from({ length: 6 }, () =>
        encoderBlock(8, {
          feedForward: 1024,
          attention: attentionDropout({ rate: 0.1 }),
          dropout: thin(0.1),
          hidden: thin(0.1),
        })),
      dense(1000),
    ]),
    batch: 16,
    shape: [128],
    vocabulary: 1000,
    labels: 128,
    classes: 1000,
  }),
};

/** Inputs of a net's batch. */
export function inputsOf(net: Net): Tensor {
  const uniform = Tensor.uniform([net.batch, ...net.shape], Key.seed(1).at("inputs"));
  return net.vocabulary === undefined
    ? uniform
    : Tensor.from(uniform.floats.map((u) => Math.floor(u * net.vocabulary!)), uniform.shape);
}

/**
 * A training step of a net as a function without arguments: forward, backward, SGD with momentum.
 *
 * @param take where a step's batch comes from; the same batch at every step when absent
 */
export function stepOf(net: Net, take?: () => Batch): () => void {
  const model = buildModel(net.layers, { inputShape: net.shape, seed: 1 });
  const optimizer = new OptimizerDriver(sgd({ learningRate: 0.01, momentum: 0.9 }), model);
  const parameters = model.parameters().map((parameter) => parameter.tensor);
  const count = net.batch * net.labels;
  const targets = Tensor.from(Int32Array.from({ length: count }, (_, i) => i % net.classes), [count]);
  const fixed = { inputs: inputsOf(net), targets };
  const loss = crossEntropy();
  let step = 0;
  return () =>
    recycling(() => {
      const progress = { step: step++, stepsPerEpoch: 1000, totalSteps: 100000 };
      const { inputs, targets } = take?.() ?? fixed;
      const outputs = model.forward(inputs, { mode: "train", progress }).reshape([count, net.classes]);
      optimizer.update(gradients(lossOf(loss, outputs, targets), parameters), progress);
    });
}
