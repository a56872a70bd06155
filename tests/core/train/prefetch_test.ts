/** Batches made ahead by a worker: the same bits, errors that reach the caller, and a clean end. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import {
  DataError,
  definePlugin,
  type Factory,
  fit,
  type FitOptions,
  type LayerPlugin,
  type Observation,
  OptionError,
  PermissionError,
  type Plugin,
  type Snapshot,
  ThinnedError,
  Trainer,
} from "../../../core/mod.ts";
import { crop } from "../../../plugins/augmentations/crop.ts";
import { flip } from "../../../plugins/augmentations/flip.ts";
import { mixup } from "../../../plugins/augmentations/mixup.ts";
import { digits } from "../../../plugins/datasets/digits.ts";
import { dense } from "../../../plugins/layers/dense.ts";
import { embedding } from "../../../plugins/layers/embedding.ts";
import { lstm } from "../../../plugins/layers/lstm.ts";
import { sequential } from "../../../plugins/layers/sequential.ts";
import { crossEntropy } from "../../../plugins/losses/cross_entropy.ts";
import { meanSquaredError } from "../../../plugins/losses/mean_squared_error.ts";
import { linear } from "../../../plugins/schedules/linear.ts";
import { failing, homeless, lost, noise } from "./_blots.ts";
import { copy, corners, line, network, numbers, options } from "../_runs.ts";

/** Weights and metrics at the end of a run. */
async function run(root: LayerPlugin, changes: Partial<FitOptions>): Promise<[Record<string, number[]>, number[][]]> {
  const trainer = await Trainer.create(root, options(changes));
  while (!trainer.done) await trainer.runEpoch();
  const weights = numbers(copy(trainer.snapshot()));
  const { history } = await trainer.end();
  return [weights, history.map((m) => [m.trainLoss, m.testLoss, m.runningLoss, m.trainError, m.runningError])];
}

function watching(observation: Observation): Plugin<"observer"> {
  const watcher: Factory<"observer", Record<never, never>> = definePlugin({
    name: "watcher",
    options: z.object({}),
    observe: () => observation,
  });
  return watcher();
}

const image = [1, 28, 28] as const;
const tokens = {
  count: 11,
  shape: [3],
  inputs: Uint8Array.from({ length: 33 }, (_, i) => i * i % 5),
  scale: 1,
  labels: Int32Array.from({ length: 33 }, (_, i) => (i + 1) ** 2 % 5),
  labelsPerExample: 3,
};

const cases: Record<string, [LayerPlugin, Partial<FitOptions>]> = {
  "a classification without augmentations": [network(), {}],
  "a regression": [dense(1), { data: line(), loss: meanSquaredError() }],
  "a regression with mixup": [dense(1), { data: line(), loss: meanSquaredError(), augment: [mixup({ alpha: 1 })] }],
  "images in bytes with mixup and others": [dense(10), {
    data: digits({ train: 60, test: 20 }),
    epochs: 3,
    batchSize: 16,
    accumulate: 2,
    augment: [crop({ image, padding: 2 }), flip({ image }), mixup({ alpha: 0.5 })],
  }],
  "lanes of text": [sequential([embedding(5, 3), lstm(4, { stateful: 2 }), dense(5)]), {
    data: { name: "t", classes: 5, outputs: 0, order: "lanes", train: tokens, test: tokens },
    batchSize: 2,
  }],
  "an augmentation with a schedule": [network(), { augment: [noise({ deviation: linear({ from: 1, to: 0 }) })] }],
  "an augmentation that has no module": [network(), { augment: [homeless(), noise()] }],
  "one step for each epoch": [network(), { batchSize: 50 }],
  "batches larger than the data set": [network(), { batchSize: 1000 }],
};

for (const [name, [root, changes]] of Object.entries(cases)) {
  Deno.test(`prefetching gives the bits of the run without it: ${name}`, async () => {
    assertEquals(await run(root, { ...changes, prefetch: true }), await run(root, changes));
  });
}

Deno.test("a run that prefetches can be resumed by one that does not, and the other way round", async () => {
  const augment = [noise()];
  const snapshots: Snapshot[] = [];
  const step = (event: { step: number; snapshot(): Snapshot }) => {
    if (event.step === 9 || event.step === 14) snapshots.push(copy(event.snapshot()));
  };
  const whole = await run(network(), { augment, prefetch: true, observers: [watching({ step })] });
  assertEquals(snapshots.length, 2);
  assertEquals(await run(network(), { augment, resume: snapshots[0] }), whole);
  assertEquals(await run(network(), { augment, resume: snapshots[1], prefetch: true }), whole);
  assertNotEquals(await run(network(), {}), whole);
});

Deno.test("an error in the worker reaches the caller at its step, with its class and path", async () => {
  const seen: string[][] = [];
  for (const prefetch of [false, true]) {
    for (const how of ["data", "option", "other"] as const) {
      let steps = 0;
      const observers = [watching({ step: () => void steps++ })];
      const wrong = options({ augment: [failing({ step: 9, how })], observers, prefetch });
      const error = await assertRejects(() => fit(network(), wrong), Error);
      seen.push([error.name, error.message, String(steps), String((error as OptionError).path)]);
      assert(how !== "data" || error instanceof DataError);
      assert(how !== "option" || error instanceof OptionError);
    }
  }
  assertEquals(seen.slice(3).map((row) => row.slice(1)), seen.slice(0, 3).map((row) => row.slice(1)));
  assertEquals(seen[3], ["DataError", "step 9: no data.", "9", "undefined"]);
});

Deno.test("an augmentation that its module does not export is named", async () => {
  const error = await assertRejects(() => fit(network(), options({ augment: [lost()], prefetch: true })), ThinnedError);
  assert(/expected .*_runs\.ts to export the factory of lost, found none/.test(error.message), error.message);
});

Deno.test("a run that prefetches ends its worker when it is aborted, and when it is ended early", async () => {
  const controller = new AbortController();
  const stop = watching({ step: (event) => event.step === 10 ? controller.abort() : undefined });
  const stopped = await fit(network(), options({ prefetch: true, signal: controller.signal, observers: [stop] }));
  assert(stopped.interrupted);
  const trainer = await Trainer.create(network(), options({ prefetch: true }));
  await trainer.runEpoch();
  await trainer.end();
  // One that never began has no worker.
  await Trainer.create(network(), options({ prefetch: true }));
});

Deno.test("an observer's error ends a run that prefetches, and its worker", async () => {
  const observers = [watching({
    step: (event) => {
      if (event.step === 3) throw new Error("enough");
    },
  })];
  await assertRejects(() => fit(network(), options({ prefetch: true, observers })), Error, "enough");
});

Deno.test({
  name: "prefetching names the flag when the worker's source may not be read",
  permissions: { read: false },
  fn: async () => {
    const settings = options({ data: corners(), loss: crossEntropy(), prefetch: true });
    const error = await assertRejects(() => fit(network(), settings), PermissionError);
    assert(/--allow-read=.+/.test(error.message), error.message);
  },
});

Deno.test("a program that prefetches needs permission to read this library, and no other", async () => {
  const root = new URL("../../../", import.meta.url).pathname;
  const script = `
    import { crossEntropy, dense, digits, fit, mixup, sgd } from "${root}mod.ts";
    const settings = { data: digits({ train: 60, test: 20 }), loss: crossEntropy(), optimizer: sgd(), epochs: 1 };
    const run = await fit(dense(10), { ...settings, batchSize: 16, augment: [mixup()], prefetch: true });
    console.log(run.step);`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    const args = ["run", "-q", "--no-prompt", `--config=${root}deno.json`, `--allow-read=${root}`, file];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    assertEquals([code, new TextDecoder().decode(stdout).trim()], [0, "4"], new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(file);
  }
});
