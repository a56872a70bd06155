/** A program of a user of the package: trains, saves, loads and examines. It prints what it found as JSON. @module */
import {
  crossEntropy,
  dense,
  digits,
  fit,
  flip,
  Key,
  loadModel,
  openNative,
  relu,
  sequential,
  sgd,
  Tensor,
} from "@thinned/dropout";
import { dropout } from "@thinned/dropout/plugins";
import { examine } from "@thinned/dropout/testing";
import { halfDropout, kernels, origin } from "./half_dropout.ts";

const before = origin();
const backend = await openNative({ threads: 2, kernels });
const run = await fit(
  sequential([dropout({ rate: 0.2 }), dense(32), relu(), halfDropout({ rate: 0.3 }), dense(10)]),
  {
    data: digits({ train: 300, test: 300, seed: 1 }),
    loss: crossEntropy(),
    optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
    epochs: 4,
    batchSize: 50,
    seed: 1,
    augment: [flip({ probability: 0.5, image: [1, 28, 28] })],
    prefetch: true,
  },
);
await run.save("digits.safetensors");
const loaded = await loadModel("digits.safetensors", { plugins: [halfDropout] });
const x = Tensor.ones([2, 784]);
const { passed, checks } = await examine(halfDropout);

console.log(JSON.stringify({
  backend: backend.info().name,
  origins: [before, origin()],
  epochs: run.history.length,
  testError: run.testError,
  mask: [...Tensor.ones([4, 8]).dropout(Key.seed(7), 0.5).floats],
  sameModel: run.model.forward(x, { mode: "eval" }).floats.every((value, i) =>
    value === loaded.model.forward(x, { mode: "eval" }).floats[i]
  ),
  exam: { passed, failed: checks.filter(({ status }) => status === "failed") },
}));
