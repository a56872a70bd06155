/** Runs whose loss or gradients are not finite any more: what is said, and that nothing is lost. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import {
  definePlugin,
  DivergenceError,
  type Factory,
  fit,
  type LayerPlugin,
  type Observation,
  type Plugin,
  type Snapshot,
  Tensor,
  ThinnedError,
  Trainer,
} from "../../../core/mod.ts";
import { batchNorm } from "../../../plugins/layers/batch_norm.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { relu } from "../../../plugins/layers/relu.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { meanSquaredError } from "../../../plugins/losses/mean_squared_error.ts";
import { sgd } from "../../../plugins/optimizers/sgd/sgd.ts";
import { copy, corners, line, network, numbers, options } from "../_runs.ts";

function watching(observation: Observation): Plugin<"observer"> {
  const watcher: Factory<"observer", Record<never, never>> = definePlugin({
    name: "watcher",
    options: z.object({}),
    observe: () => observation,
  });
  return watcher();
}

/** A layer that is the identity until a step, and then spoils its output, or only its gradient. */
const spoiling: Factory<"layer", { step: number; what: "output" | "gradient" | "penalty" }> = definePlugin({
  name: "spoiling",
  options: z.object({ step: z.int(), what: z.enum(["output", "gradient", "penalty"]) }),
  forward(x, { options, progress, mode }) {
    if (mode !== "train" || progress.step < options.step) return x;
    // The root of 0 is 0, and its slope is infinite.
    if (options.what === "gradient") return x.add(x.sub(x).sqrt());
    return options.what === "output" ? x.mul(NaN) : x;
  },
  penalty: ({ options, progress }) =>
    Tensor.of(options.what === "penalty" && progress.step >= options.step ? Infinity : 0),
});

const net = (...last: LayerPlugin[]) => sequential([dense(4), batchNorm(), relu(), dense(3), ...last]);

for (const what of ["output", "gradient", "penalty"] as const) {
  for (const accumulate of [1, 2]) {
    Deno.test(`a step with a bad ${what} in ${accumulate} parts leaves the weights as they were, and is named`, async () => {
      let before: Record<string, number[]> = {};
      let last = NaN;
      let ended: [number, boolean, Snapshot][] = [];
      const observers = [watching({
        step: (event) => {
          [before, last] = [numbers(copy(event.snapshot())), event.loss];
        },
        end: (event) => void (ended = [...ended, [event.step, event.interrupted, copy(event.snapshot())]]),
      })];
      const root = net(spoiling({ step: 4, what }));
      const trainer = await Trainer.create(root, options({ observers, accumulate }));
      const error = await assertRejects(() => trainer.runEpoch(), DivergenceError);
      assertEquals([error.step, error.exitStatus, error instanceof ThinnedError], [5, 2, true]);
      assert(/^Training diverged at step 5: .*the last finite loss was [\d.]+\..*learning rate/.test(error.message));
      assert(last > 0 && error.lastLoss! > 0);
      const after = numbers(trainer.snapshot());
      const names = Object.keys(after).filter((name) => accumulate === 1 || !name.startsWith("state/"));
      for (const name of names) assertEquals(after[name], before[name], name);
      for (const name in after) assert(after[name].every(Number.isFinite), name);
      // The observers hear of the end, once, and may write what there is.
      assertEquals(ended.map(([step, interrupted]) => [step, interrupted]), [[4, true]]);
      assertEquals(numbers(ended[0][2]), after);
      await trainer.end();
      assertEquals(ended.length, 1);
    });
  }
}

Deno.test("the snapshot of a run that diverged can be resumed, and ends as if it had not", async () => {
  const final = async (root: LayerPlugin, resume?: Snapshot) => {
    const trainer = await Trainer.create(root, options({ resume }));
    while (!trainer.done) await trainer.runEpoch();
    return numbers(copy(trainer.snapshot()));
  };
  const good = net(spoiling({ step: 1000, what: "output" }));
  const trainer = await Trainer.create(net(spoiling({ step: 9, what: "gradient" })), options());
  await trainer.runEpoch();
  await assertRejects(() => trainer.runEpoch(), DivergenceError);
  assertEquals(await final(good, copy(trainer.snapshot())), await final(good));
});

Deno.test("a learning rate that is far too large is told as divergence, with and without prefetching", async () => {
  const wild = options({ optimizer: sgd({ learningRate: 1e30 }), loss: meanSquaredError(), data: line() });
  const deep = sequential([dense(4), relu(), dense(4), dense(1)]);
  for (const prefetch of [false, true]) {
    const error = await assertRejects(() => fit(deep, { ...wild, prefetch }), DivergenceError);
    assert(/Training diverged at step \d+: (the loss|the gradient of)/.test(error.message), error.message);
  }
});

Deno.test("a loss that was never finite is told so", async () => {
  const data = corners();
  data.train.inputs.fill(NaN);
  const error = await assertRejects(() => fit(network(), options({ data })), DivergenceError);
  assertEquals([error.step, error.lastLoss], [1, null]);
  assert(error.message.includes("it was never finite"), error.message);
});

Deno.test("finite gradients whose sum overflows are not divergence", async () => {
  // Each of two weights has the gradient 2e38; their sum is no float32.
  const part = { count: 1, shape: [1], inputs: Float32Array.of(1), scale: 1, targets: new Float32Array(2) };
  const data = { name: "steep", classes: 0, outputs: 2, train: part, test: part };
  const steep: Factory<"loss", Record<never, never>> = definePlugin({
    name: "steep",
    options: z.object({}),
    loss: (outputs) => ({ sum: outputs.sum().mul(2e38), weight: null }),
  });
  const root = dense(2, { bias: false, initializer: "zeros" });
  const optimizer = sgd({ learningRate: 1e-38 });
  const result = await fit(root, { data, loss: steep(), optimizer, epochs: 1, batchSize: 1 });
  for (const weight of result.model.parameters()[0].tensor.floats) assert(Math.abs(weight + 2) < 1e-6, String(weight));
});
