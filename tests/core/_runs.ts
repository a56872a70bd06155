/** A small data set and a small network for the tests of training. */
import { type Dataset, type FitOptions, Key, type LayerPlugin, type Snapshot, Tensor } from "../../core/mod.ts";
import { maxNorm } from "../../plugins/constraints/max_norm/max_norm.ts";
import { dropout } from "../../plugins/dropout/dropout.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { relu } from "../../plugins/layers/relu.ts";
import { sequential } from "../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../plugins/losses/cross_entropy.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";

/** Points around the corners of a triangle, in six dimensions: `count` to train on and as many to test. */
export function corners(count = 50): Dataset {
  const part = (seed: number) => {
    const noise = Tensor.normal([count, 6], Key.seed(seed).at("corners")).floats;
    const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
    const inputs = noise.map((value, i) => 0.6 * value + (i % 6 % 3 === labels[Math.floor(i / 6)] ? 1 : 0));
    return { count, shape: [6], inputs: new Float32Array(inputs), scale: 1, labels };
  };
  return { name: "corners", classes: 3, outputs: 0, train: part(1), test: part(2) };
}

/** A line in noise, to be learned by regression. */
export function line(count = 30): Dataset {
  const part = (seed: number) => {
    const inputs = new Float32Array(Tensor.normal([count, 2], Key.seed(seed).at("line")).floats);
    const targets = Float32Array.from({ length: count }, (_, i) => 2 * inputs[2 * i] - inputs[2 * i + 1]);
    return { count, shape: [2], inputs, scale: 1, targets };
  };
  return { name: "line", classes: 0, outputs: 1, train: part(3), test: part(4) };
}

/** A network with every kind of part that keeps something from step to step. */
export function network(): LayerPlugin {
  return sequential([
    dropout({ rate: 0.2 }),
    dense(8, { constraint: maxNorm({ max: 1 }) }),
    relu(),
    dropout({ rate: 0.5 }),
    dense(3),
  ]);
}

/** Options of a short run: 4 epochs of 7 steps, the last one shorter. */
export function options(changes: Partial<FitOptions> = {}): FitOptions {
  const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
  return { data: corners(), loss: crossEntropy(), optimizer, epochs: 4, batchSize: 8, seed: 5, ...changes };
}

/** A snapshot with copies of its tensors, as if it had been written and read back. */
export function copy(snapshot: Snapshot): Snapshot {
  const tensors = new Map([...snapshot.tensors].map(([name, tensor]) => [name, tensor.clone()]));
  return { tensors, progress: JSON.parse(JSON.stringify(snapshot.progress)) };
}

/** All numbers of a snapshot, by name. */
export function numbers(snapshot: Snapshot): Record<string, number[]> {
  return Object.fromEntries([...snapshot.tensors].map(([name, tensor]) => [name, [...tensor.storage.array]]));
}
