/** The training step of 784-1024-1024-1024-10 against its own matrix products. @module */
import {
  buildModel,
  crossEntropy,
  dense,
  dropout,
  gradients,
  kernels,
  Key,
  type LayerPlugin,
  lossOf,
  OptimizerDriver,
  recycling,
  relu,
  sequential,
  sgd,
  Tensor,
} from "../mod.ts";
import { measure, ratio, type Result } from "./measure.ts";

const BATCH = 128;
const WIDTHS = [784, 1024, 1024, 1024, 10];

/** The net of the workload, with dropout or without. */
function net(withDropout: boolean): LayerPlugin {
  const thin = (rate: number) => withDropout ? [dropout({ rate })] : [];
  return sequential([
    ...thin(0.2),
    ...WIDTHS.slice(1, -1).flatMap((units) => [dense(units), relu(), ...thin(0.5)]),
    dense(WIDTHS[WIDTHS.length - 1]),
  ]);
}

/** One training step as a function without arguments: forward, backward, update. */
export function trainingStep(withDropout: boolean): () => void {
  const model = buildModel(net(withDropout), { inputShape: [WIDTHS[0]], seed: 1 });
  const optimizer = new OptimizerDriver(sgd({ learningRate: 0.01, momentum: 0.9 }), model);
  const parameters = model.parameters().map((parameter) => parameter.tensor);
  const inputs = Tensor.uniform([BATCH, WIDTHS[0]], Key.seed(1).at("inputs"));
  const labels = Tensor.from(Int32Array.from({ length: BATCH }, (_, i) => i % 10), [BATCH]);
  const loss = crossEntropy();
  let step = 0;
  return () =>
    recycling(() => {
      const progress = { step: step++, stepsPerEpoch: 1000, totalSteps: 100000 };
      const outputs = model.forward(inputs, { mode: "train", progress });
      optimizer.update(gradients(lossOf(loss, outputs, labels), parameters), progress);
    });
}

/** The matrix products of one step, in the step's order and through the same library, on buffers of their own. */
export function productsAlone(): () => void {
  const buffer = (rows: number, cols: number, label: string) =>
    Tensor.normal([rows, cols], Key.seed(2).at(label)).floats;
  const layers = WIDTHS.slice(1).map((units, i) => ({
    inputs: WIDTHS[i],
    units,
    x: buffer(BATCH, WIDTHS[i], `x${i}`),
    w: buffer(units, WIDTHS[i], `w${i}`),
    y: buffer(BATCH, units, `y${i}`),
    dx: buffer(BATCH, WIDTHS[i], `dx${i}`),
    dw: buffer(units, WIDTHS[i], `dw${i}`),
  }));
  const plain = { alpha: 1, beta: 0, batch: 1, strideA: 0, strideB: 0, strideC: 0 };
  return () => {
    for (const { inputs, units, x, w, y } of layers) {
      kernels.gemm(x, w, y, { ...plain, m: BATCH, n: units, k: inputs, transposeA: false, transposeB: true });
    }
    for (let i = layers.length - 1; i >= 0; i--) {
      const { inputs, units, x, w, y, dx, dw } = layers[i];
      // The first layer's input needs no gradient.
      if (i > 0) {
        kernels.gemm(y, w, dx, { ...plain, m: BATCH, n: inputs, k: units, transposeA: false, transposeB: false });
      }
      kernels.gemm(y, x, dw, { ...plain, m: units, n: inputs, k: BATCH, transposeA: true, transposeB: false });
    }
  };
}

/** Runs the workload. */
export function step(): Result {
  const times = measure(
    { products: productsAlone(), with: trainingStep(true), without: trainingStep(false) },
    100,
  );
  return {
    name: "step",
    what: "one training step of 784-1024-1024-1024-10, batch 128, SGD with momentum, dropout 0.2/0.5",
    figures: [
      { name: "matrix products alone", value: times.products.median, unit: "ms" },
      { name: "step with dropout", value: times.with.median, unit: "ms" },
      { name: "step without dropout", value: times.without.median, unit: "ms" },
      { name: "step / products", value: ratio(times.with, times.products), unit: "x", goal: "at most 1.35" },
      { name: "with / without dropout", value: ratio(times.with, times.without), unit: "x", goal: "at most 1.08" },
    ],
  };
}
