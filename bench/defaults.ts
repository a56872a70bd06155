/**
 * How layers should begin, and how optimizers should step: small nets trained with each initializer, and with each
 * optimizer's defaults here, in PyTorch and in Keras, so that a default is what trains best and not what came first. Needs
 * MNIST in the folder that THINNED_DATA names.
 *
 * `deno run -A bench/defaults.ts [--seeds N] [--only initializers|optimizers]` prints the mean test error in percent over
 * seeds, and its standard error.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import {
  adagrad,
  adam,
  adamw,
  batchNorm,
  conv2d,
  type Dataset,
  dense,
  dropout,
  fit,
  flatten,
  type Initializer,
  type LayerPlugin,
  loadDataset,
  maxPool2d,
  mnist,
  type Plugin,
  relu,
  rmsprop,
  sequential,
  sgd,
  tryOpenNative,
} from "../mod.ts";

/** A rule for all layers, or the layers' own defaults. */
const kinds: readonly (Initializer | undefined)[] = [
  undefined,
  "he-normal",
  "he-uniform",
  "lecun-normal",
  "glorot-uniform",
  "pytorch",
  "orthogonal",
];

/** A net, as a function of how its layers begin, and how it is trained. */
interface Workload {
  readonly name: string;
  readonly images: boolean;
  readonly epochs: number;
  net(initializer: Initializer | undefined): LayerPlugin;
  readonly optimizer: Plugin<"optimizer">;
}

const mlp = (hidden: number, depth: number, drop: boolean) => (initializer?: Initializer) =>
  sequential([
    ...Array.from(
      { length: depth },
      () => [dense(hidden, { initializer }), relu(), ...(drop ? [dropout({ rate: 0.5 })] : [])],
    )
      .flat(),
    dense(10, { initializer }),
  ]);

/** Three convolutions with batch norm and two dense layers. */
const cnn = (initializer?: Initializer) =>
  sequential([
    ...[16, 32, 32].flatMap((channels) => [
      conv2d(channels, 3, { padding: "same", initializer }),
      batchNorm(),
      relu(),
      maxPool2d(2),
    ]),
    flatten(),
    dense(64, { initializer }),
    relu(),
    dropout({ rate: 0.3 }),
    dense(10, { initializer }),
  ]);

const workloads: readonly Workload[] = [
  {
    name: "mlp, sgd",
    images: false,
    epochs: 3,
    net: mlp(256, 2, false),
    optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }),
  },
  { name: "mlp with dropout, adam", images: false, epochs: 3, net: mlp(256, 2, true), optimizer: adam() },
  { name: "six layers deep, adam", images: false, epochs: 3, net: mlp(128, 6, false), optimizer: adam() },
  { name: "cnn with batch norm, adamw", images: true, epochs: 2, net: cnn, optimizer: adamw() },
];

/** Optimizers with defaults, those of PyTorch and those of Keras where they differ from ours. */
const optimizers: Readonly<Record<string, Plugin<"optimizer">>> = {
  "sgd": sgd(),
  "sgd, momentum 0.9": sgd({ momentum: 0.9 }),
  "adam": adam(),
  "adam, Keras": adam({ epsilon: 1e-7 }),
  "adamw": adamw(),
  "adamw, Keras": adamw({ weightDecay: 0.004, epsilon: 1e-7 }),
  "rmsprop": rmsprop(),
  "rmsprop, PyTorch": rmsprop({ learningRate: 0.01, alpha: 0.99, epsilon: 1e-8 }),
  "rmsprop, Keras": rmsprop({ learningRate: 0.001, alpha: 0.9, epsilon: 1e-7 }),
  "adagrad": adagrad(),
  "adagrad, Keras": adagrad({ learningRate: 0.001, initialAccumulator: 0.1, epsilon: 1e-7 }),
};

/** The first examples of a data set's parts. */
function first(data: Dataset, train: number, test: number): Dataset {
  const cut = (part: Dataset["train"], count: number) => ({
    ...part,
    count,
    inputs: part.inputs.subarray(0, count * part.shape.reduce((size, extent) => size * extent, 1)),
    labels: part.labels?.subarray(0, count),
  });
  return { ...data, train: cut(data.train, train) as Dataset["train"], test: cut(data.test, test) as Dataset["test"] };
}

const given = parseArgs(Deno.args, { string: ["seeds", "only"] });
const seeds = Number(given.seeds ?? 3);
await tryOpenNative();
const sets = await Promise.all([false, true].map((images) => loadDataset(mnist({ flatten: !images }))));
const [flat, square] = sets.map((data) => first(data, 5000, 5000));

/** Trains a net for each seed and prints the mean test error. */
async function report(
  what: string,
  kind: string,
  images: boolean,
  net: LayerPlugin,
  optimizer: Plugin<"optimizer">,
  epochs: number,
) {
  const errors: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const run = await fit(net, { data: images ? square : flat, optimizer, epochs, batchSize: 64, seed });
    errors.push(100 * run.testError);
  }
  const mean = errors.reduce((a, b) => a + b) / seeds;
  const spread = Math.sqrt(
    errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / Math.max(seeds - 1, 1) / seeds,
  );
  console.log(`${what.padEnd(28)} ${kind.padEnd(20)} ${mean.toFixed(2)} +- ${spread.toFixed(2)} %`);
}

if (given.only !== "optimizers") {
  for (const { name, images, epochs, net, optimizer } of workloads) {
    for (const kind of kinds) await report(name, kind ?? "default", images, net(kind), optimizer, epochs);
  }
}
if (given.only !== "initializers") {
  for (const [kind, optimizer] of Object.entries(optimizers)) {
    await report("mlp with dropout", kind, false, mlp(256, 2, true)(), optimizer, 3);
    await report("cnn with batch norm", kind, true, cnn(), optimizer, 2);
  }
}
