import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { z } from "zod";
import {
  CheckpointError,
  checkpointSteps,
  type Dataset,
  definePlugin,
  type Factory,
  fit,
  type FitOptions,
  latestCheckpoint,
  LockError,
  OptionError,
  PermissionError,
  type Plugin,
  ThinnedError,
} from "../../core/mod.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { crossEntropy } from "../../plugins/losses/cross_entropy.ts";
import { checkpointWriter } from "../../plugins/observers/checkpoint_writer.ts";
import { metricsLog } from "../../plugins/observers/metrics_log.ts";
import { holder } from "../core/store/_holder.ts";
import { sgd } from "../../plugins/optimizers/sgd/sgd.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** 40 points, the class of each being the sign of its first coordinate; 5 steps an epoch at 8 a step. */
const points = ((): Dataset => {
  const count = 40;
  const inputs = Float32Array.from({ length: 2 * count }, (_, i) => Math.sin(1 + 7 * i));
  const labels = Int32Array.from({ length: count }, (_, i) => inputs[2 * i] > 0 ? 1 : 0);
  const split = { count, shape: [2], inputs, scale: 1, labels };
  return { name: "points", classes: 2, outputs: 0, train: split, test: split };
})();

function train(epochs: number, observers: Plugin<"observer">[], more: Partial<FitOptions> = {}) {
  const optimizer = sgd({ learningRate: 0.3, momentum: 0.5 });
  return fit(dense(2), {
    data: points,
    loss: crossEntropy(),
    optimizer,
    epochs,
    batchSize: 8,
    seed: 3,
    observers,
    ...more,
  });
}

/** An observer that aborts its run in the given step. */
function stopper(stop: number): { plugin: Plugin<"observer">; signal: AbortSignal } {
  const controller = new AbortController();
  const factory: Factory<"observer", Record<never, never>> = definePlugin({
    name: "stopper",
    options: z.object({}),
    observe: () => ({
      step: ({ step }) => {
        if (step === stop) controller.abort();
      },
    }),
  });
  return { plugin: factory(), signal: controller.signal };
}

// ---- checkpoint writer ----

Deno.test("checkpointWriter() leaves the two newest checkpoints, after each epoch", async () => {
  await inFolder(async (folder) => {
    await train(4, [checkpointWriter({ directory: folder })]);
    assertEquals(await checkpointSteps(folder), [15, 20]);
  });
});

Deno.test("checkpointWriter() writes every few epochs and steps, and at the end whatever they are", async () => {
  await inFolder(async (folder) => {
    await train(5, [
      checkpointWriter({ directory: `${folder}/epochs`, every: 2, keep: 9 }),
      checkpointWriter({ directory: `${folder}/steps`, every: 3, everySteps: 4, keep: 9 }),
    ]);
    assertEquals(await checkpointSteps(`${folder}/epochs`), [10, 20, 25]);
    assertEquals(await checkpointSteps(`${folder}/steps`), [4, 8, 12, 15, 16, 20, 24, 25]);
    const { snapshot } = await latestCheckpoint(`${folder}/steps/checkpoint-12`, console.error);
    assertEquals([snapshot.progress.epoch, snapshot.progress.stepInEpoch], [2, 2]);
  });
});

Deno.test("a run resumed from any checkpoint ends with the bits of a run never stopped", async () => {
  await inFolder(async (folder) => {
    const whole = await train(4, [checkpointWriter({ directory: `${folder}/a`, everySteps: 1, keep: 99 })]);
    for (const step of await checkpointSteps(`${folder}/a`)) {
      const { snapshot } = await latestCheckpoint(`${folder}/a/checkpoint-${step}`, console.error);
      const directory = `${folder}/b${step}`;
      const resumed = await train(4, [checkpointWriter({ directory })], { resume: snapshot });
      assertEquals(resumed.testLoss, whole.testLoss);
      assertEquals(
        await Deno.readFile(`${directory}/checkpoint-20/tensors.safetensors`),
        await Deno.readFile(`${folder}/a/checkpoint-20/tensors.safetensors`),
        `resumed at step ${step}`,
      );
    }
  });
});

Deno.test("checkpointWriter() writes when the run is interrupted, in the middle of an epoch", async () => {
  await inFolder(async (folder) => {
    const { plugin, signal } = stopper(7);
    const run = await train(4, [plugin, checkpointWriter({ directory: folder })], { signal });
    assert(run.interrupted);
    assertEquals(await checkpointSteps(folder), [5, 7]);
  });
});

Deno.test("checkpointWriter() refuses a new run in the folder of another, unless it may overwrite it", async () => {
  await inFolder(async (folder) => {
    await train(3, [checkpointWriter({ directory: folder })]);
    await assertRejects(
      () => train(1, [checkpointWriter({ directory: folder })]),
      CheckpointError,
      `checkpoint-writer: ${folder} has checkpoints of an earlier run, up to step 15`,
    );
    assertEquals(await checkpointSteps(folder), [10, 15]);
    await train(1, [checkpointWriter({ directory: folder, overwrite: true })]);
    assertEquals(await checkpointSteps(folder), [5]);
    const { snapshot } = await latestCheckpoint(folder, console.error);
    await train(3, [checkpointWriter({ directory: folder })], { resume: snapshot });
    assertEquals(await checkpointSteps(folder), [10, 15]);
  });
});

Deno.test("checkpointWriter() and metricsLog() end a run that cannot write, with the path", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/file`;
    await Deno.writeTextFile(file, "");
    for (const observer of [checkpointWriter({ directory: `${file}/run` }), metricsLog({ path: `${file}/m.jsonl` })]) {
      const error = await assertRejects(() => train(1, [observer]), ThinnedError);
      assertStringIncludes(error.message, `${file}/`);
    }
  });
});

Deno.test("checkpointWriter() refuses a folder that another process writes to, and gives it up at the end", async () => {
  await inFolder(async (folder) => {
    const process = await holder(folder);
    try {
      const refused = await assertRejects(() => train(1, [checkpointWriter({ directory: folder })]), LockError);
      assertStringIncludes(refused.message, `in use by process ${process.pid}`);
    } finally {
      process.kill("SIGKILL");
      await process.status;
    }
    await train(1, [checkpointWriter({ directory: folder })]);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["checkpoint-5"]);
  });
});

Deno.test("latestCheckpoint() refuses a checkpoint of another run, also when it is the only one", async () => {
  await inFolder(async (folder) => {
    await train(1, [checkpointWriter({ directory: folder, run: "one" })]);
    assertEquals((await latestCheckpoint(folder, console.error, { run: "one" })).path, `${folder}/checkpoint-5`);
    for (const place of [folder, `${folder}/checkpoint-5`]) {
      await assertRejects(
        () => latestCheckpoint(place, console.error, { run: "two" }),
        CheckpointError,
        'checkpoint-5 is a checkpoint of another run: expected the run two, found "one"',
      );
    }
  });
});

Deno.test("metricsLog() does not write through a symbolic link, wherever it leads", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/precious`, "precious");
    for (const target of ["precious", "not-there"]) {
      const path = `${folder}/${target}.jsonl`;
      await Deno.symlink(`${folder}/${target}`, path);
      await assertRejects(() => train(1, [metricsLog({ path })]), ThinnedError, "found a symbolic link");
    }
    assertEquals(await Deno.readTextFile(`${folder}/precious`), "precious");
    assertEquals([...Deno.readDirSync(folder)].length, 3);
  });
});

Deno.test({
  name: "checkpointWriter() and metricsLog() name the permission that is missing, before the first step",
  permissions: { read: true, write: [] },
  async fn() {
    await assertRejects(
      () => train(1, [checkpointWriter({ directory: "runs/x" })]),
      PermissionError,
      "checkpoint-writer needs a permission that this program does not have: run it with --allow-write=runs/x.",
    );
    await assertRejects(() => train(1, [metricsLog({ path: "m.jsonl" })]), PermissionError, "--allow-write=m.jsonl.");
  },
});

Deno.test("the observers refuse wrong options by name", () => {
  assertThrows(
    () => checkpointWriter({ directory: "" }),
    OptionError,
    "checkpoint-writer.directory: expected the path",
  );
  assertThrows(
    () => checkpointWriter({ directory: "a", every: 0 }),
    OptionError,
    "checkpoint-writer.every: expected a whole",
  );
  assertThrows(
    () => checkpointWriter({ directory: "a", keep: 1.5 }),
    OptionError,
    "checkpoint-writer.keep: expected a whole",
  );
  assertThrows(() => metricsLog({ path: "" }), OptionError, "metrics-log.path: expected the path of a file");
});

// ---- metrics log ----

/** The lines of a log without what differs from run to run: the times. */
async function readLog(path: string): Promise<unknown[]> {
  const text = await Deno.readTextFile(path);
  assert(text === "" || text.endsWith("\n"));
  return text.trimEnd().split("\n").filter((line) => line !== "").map((line) => {
    const { seconds, stepMs, ...rest } = JSON.parse(line);
    assert(seconds > 0 && stepMs > 0);
    return rest;
  });
}

Deno.test("metricsLog() writes each epoch as one line, makes its folder, and begins anew for a new run", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/new/metrics.jsonl`;
    const first = await train(3, [metricsLog({ path })]);
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines, first.history);
    await train(2, [metricsLog({ path })]);
    assertEquals((await readLog(path)).length, 2);
  });
});

Deno.test("metricsLog() of a resumed run equals that of a run never stopped, whatever the file held", async () => {
  await inFolder(async (folder) => {
    const whole = `${folder}/whole.jsonl`;
    await train(5, [metricsLog({ path: whole })]);
    const expected = await readLog(whole);
    assertEquals(expected.length, 5);
    const path = `${folder}/metrics.jsonl`;
    const checkpoints = checkpointWriter({ directory: folder, everySteps: 1, keep: 99 });
    await train(4, [metricsLog({ path }), checkpoints]);
    const lines = await Deno.readTextFile(path);
    const half = lines.slice(0, lines.length - 30);
    for (const step of [3, 5, 10, 12, 20]) {
      const { snapshot } = await latestCheckpoint(`${folder}/checkpoint-${step}`, console.error);
      for (const held of [lines, half, "", "not JSON\n"]) {
        await Deno.writeTextFile(path, held);
        await train(5, [metricsLog({ path })], { resume: snapshot });
        assertEquals(await readLog(path), expected, `resumed at step ${step}`);
      }
    }
  });
});

Deno.test("metricsLog() drops the epochs after the checkpoint also when the resumed run has none to add", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/metrics.jsonl`;
    await train(4, [metricsLog({ path }), checkpointWriter({ directory: folder, keep: 9 })]);
    const { snapshot } = await latestCheckpoint(`${folder}/checkpoint-10`, console.error);
    const { plugin, signal } = stopper(11);
    await train(4, [metricsLog({ path }), plugin], { resume: snapshot, signal });
    assertEquals((await readLog(path)).length, 2);
  });
});
