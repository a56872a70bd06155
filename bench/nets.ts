/**
 * The nets whose training steps are timed beside PyTorch's: the same shapes, batches and dropout in `peers/torch_steps.py`.
 *
 * @module
 */
import {
  attentionDropout,
  averagePool2d,
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

/** The nets by name. */
export const nets: Readonly<Record<string, () => Net>> = {
  mlp: () => ({
    what: "784-1024-1024-1024-10, dropout 0.2/0.5, batch 128",
    layers: sequential([
      thin(0.2),
      ...[1024, 1024, 1024].flatMap((units) => [dense(units), relu(), thin(0.5)]),
      dense(10),
    ]),
    batch: 128,
    shape: [784],
    labels: 1,
    classes: 10,
  }),
  lenet: () => ({
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
  cifar: () => ({
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
  lstm: () => ({
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
  transformer: () => ({
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

/** A training step of a net as a function without arguments: forward, backward, SGD with momentum. */
export function stepOf(net: Net): () => void {
  const model = buildModel(net.layers, { inputShape: net.shape, seed: 1 });
  const optimizer = new OptimizerDriver(sgd({ learningRate: 0.01, momentum: 0.9 }), model);
  const parameters = model.parameters().map((parameter) => parameter.tensor);
  const uniform = Tensor.uniform([net.batch, ...net.shape], Key.seed(1).at("inputs"));
  const inputs = net.vocabulary === undefined
    ? uniform
    : Tensor.from(uniform.floats.map((u) => Math.floor(u * net.vocabulary!)), uniform.shape);
  const count = net.batch * net.labels;
  const labels = Tensor.from(Int32Array.from({ length: count }, (_, i) => i % net.classes), [count]);
  const loss = crossEntropy();
  let step = 0;
  return () =>
    recycling(() => {
      const progress = { step: step++, stepsPerEpoch: 1000, totalSteps: 100000 };
      const outputs = model.forward(inputs, { mode: "train", progress }).reshape([count, net.classes]);
      optimizer.update(gradients(lossOf(loss, outputs, labels), parameters), progress);
    });
}
