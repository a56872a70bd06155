/**
 * What sharing masks costs in accuracy and saves in time: the same net trained on MNIST without dropout, and with a mask for
 * each example, for each group of examples, and for the batch. Needs MNIST in the folder that THINNED_DATA names.
 *
 * `deno run -A bench/shared_masks.ts [--seeds N] [--epochs N]` prints test errors in percent, each with its standard error
 * over seeds: after the same number of epochs, and in the time that a mask for each example takes for half of them. By Adam,
 * because one mask for the batch makes gradients so noisy that SGD diverges at learning rates at which the others train.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { table } from "../cli/print/table.ts";
import {
  adam,
  dense,
  dropout,
  fit,
  type LayerPlugin,
  loadDataset,
  mnist,
  relu,
  sequential,
  tryOpenNative,
} from "../mod.ts";
import { alternate, summary } from "./measure.ts";
import { type Net, stepOf } from "./nets.ts";

const batch = 128;

/** 784-1200-1200-10, dropout 0.2 on inputs and 0.5 on hidden units. */
function netOf(variant: ((rate: number) => LayerPlugin) | undefined): LayerPlugin {
  const drop = (rate: number) => variant === undefined ? [] : [variant(rate)];
  const hidden = [1200, 1200].flatMap((units) => [dense(units), relu(), ...drop(0.5)]);
  return sequential([...drop(0.2), ...hidden, dense(10)]);
}

const variants: Readonly<Record<string, LayerPlugin>> = {
  "no dropout": netOf(undefined),
  "a mask for each example": netOf((rate) => dropout({ rate })),
  "for each 32 examples": netOf((rate) => dropout({ rate, group: 32 })),
  "for the batch": netOf((rate) => dropout({ rate, share: ["batch"] })),
};

/** A training step of a variant. */
function stepWith(layers: LayerPlugin): () => void {
  const net: Net = { what: "", layers, batch, shape: [784], labels: 1, classes: 10 };
  return stepOf(net);
}

/** A mean with its standard error. */
function show(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = Math.sqrt(squares / Math.max(values.length - 1, 1) / values.length);
  return `${mean.toFixed(2)}${values.length > 1 ? ` ± ${error.toFixed(2)}` : ""}`;
}

const given = parseArgs(Deno.args, { string: ["seeds", "epochs"] });
const [seeds, epochs] = [Number(given.seeds ?? 3), Number(given.epochs ?? 16)];
await tryOpenNative();
const data = await loadDataset(mnist({ flatten: true }));

/** Test errors in percent after each epoch, by variant and seed. */
const errors = new Map<string, number[][]>(Object.keys(variants).map((name) => [name, []]));
for (let seed = 1; seed <= seeds; seed++) {
  for (const [name, layers] of Object.entries(variants)) {
    const run = await fit(layers, {
      data,
      optimizer: adam(),
      epochs,
      batchSize: batch,
      seed,
    });
    errors.get(name)!.push(run.history.map(({ testError }) => 100 * testError));
    console.error(
      `${name}, seed ${seed}: ${run.history.map(({ testError }) => (100 * testError).toFixed(2)).join(" ")}`,
    );
  }
}

const example = variants["a mask for each example"];
const rows = Object.entries(variants).map(([name, layers]) => {
  const { ours, floor } = alternate({ ours: stepWith(layers), floor: stepWith(example) }, 4000);
  const { median: ratio } = summary(ours.map((ms, i) => ms / floor[i]));
  // No more epochs than there were: a net so fast has had all of them.
  const inTime = Math.max(1, Math.min(epochs, Math.round(epochs / 2 / ratio)));
  const after = (epoch: number) => show(errors.get(name)!.map((run) => run[epoch - 1]));
  return [name, ratio.toFixed(2), after(epochs), after(inTime), String(inTime)];
});
console.log(
  table(rows, ["masks", "step", `error after ${epochs} epochs`, `in the time of ${epochs / 2} of example's`, "epochs"]),
);
