import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  CheckpointError,
  checkpointSteps,
  type EpochMetrics,
  latestCheckpoint,
  OptionError,
  PermissionError,
  readCheckpoint,
  type Snapshot,
  Tensor,
  ThinnedError,
  writeCheckpoint,
} from "../../../core/mod.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
}

const metrics: EpochMetrics = {
  epoch: 1,
  step: 10,
  trainLoss: NaN,
  trainError: 1 / 3,
  testLoss: Infinity,
  testError: -Infinity,
  runningLoss: 5e-324,
  runningError: -0,
  seconds: 0.1 + 0.2,
  stepMs: 1.7976931348623157e308,
};

/** A snapshot whose first number is `value`. */
function snapshotAt(step: number, value = step): Snapshot {
  return {
    tensors: new Map([
      ["model/0.weight", Tensor.from(Float32Array.of(value, -0, NaN, 1e-45), [2, 2])],
      ["state/1.mean", Tensor.from(Float64Array.of(0.1), [])],
      ["optimizer/velocity/0.weight", Tensor.from(new Float32Array(0), [0])],
    ]),
    progress: {
      step,
      epoch: 1,
      stepInEpoch: step - 10,
      stepsPerEpoch: 10,
      totalSteps: 90,
      lossSum: 0.1 + 0.2,
      errorSum: -0,
      examples: 128,
      seconds: 1e-300,
      history: [metrics],
      seed: 2 ** 53 - 1,
      schedules: { "optimizer.learningRate": { value: 0.1, best: Infinity, waited: 2 } },
      computedBy: "reference",
      model: { plugin: "sequential", layers: [{ plugin: "dense", name: "NaN", units: 2 }] },
    },
  };
}

const silent = (line: string): void => assert(false, `unexpected warning: ${line}`);

Deno.test("a checkpoint keeps every bit of tensors, counters and metrics, NaN and -0 included", async () => {
  await inFolder(async (folder) => {
    const written = snapshotAt(12);
    const path = await writeCheckpoint(`${folder}/runs/a/`, written);
    assertEquals(path, `${folder}/runs/a/checkpoint-12`);
    assertEquals(names(path), ["state.json", "tensors.safetensors"]);
    const read = await readCheckpoint(path);
    assertEquals(read.progress, written.progress); // deep equality by Object.is: NaN is NaN, -0 is not 0
    assert(Object.is(read.progress.errorSum, -0) && Object.is(read.progress.history[0].runningError, -0));
    assertEquals([...read.tensors.keys()].sort(), [...written.tensors.keys()].sort());
    for (const [name, tensor] of written.tensors) {
      const other = read.tensors.get(name)!;
      assertEquals([other.dtype, other.shape], [tensor.dtype, tensor.shape]);
      assertEquals(new Uint8Array(other.floats.buffer), new Uint8Array(tensor.floats.buffer));
    }
  });
});

Deno.test("writeCheckpoint() copies the snapshot before its first pause", async () => {
  await inFolder(async (folder) => {
    const snapshot = snapshotAt(12);
    const writing = writeCheckpoint(folder, snapshot);
    snapshot.tensors.get("model/0.weight")!.floats[0] = 99;
    await writing;
    assertEquals((await readCheckpoint(`${folder}/checkpoint-12`)).tensors.get("model/0.weight")!.floats[0], 12);
  });
});

Deno.test("writeCheckpoint() writes the same tensor file for the same numbers", async () => {
  await inFolder(async (folder) => {
    const one = await Deno.readFile(`${await writeCheckpoint(`${folder}/a`, snapshotAt(12))}/tensors.safetensors`);
    const two = await Deno.readFile(`${await writeCheckpoint(`${folder}/b`, snapshotAt(12))}/tensors.safetensors`);
    assertEquals(one, two);
  });
});

Deno.test("writeCheckpoint() replaces a checkpoint of the same step", async () => {
  await inFolder(async (folder) => {
    await writeCheckpoint(folder, snapshotAt(12, 1));
    await writeCheckpoint(folder, snapshotAt(12, 2));
    assertEquals(names(folder), ["checkpoint-12"]);
    assertEquals((await latestCheckpoint(folder, silent)).snapshot.tensors.get("model/0.weight")!.floats[0], 2);
  });
});

Deno.test("writeCheckpoint() with keep leaves the newest ones, and none of a course the run has left", async () => {
  await inFolder(async (folder) => {
    for (const step of [20, 100, 9, 30]) await writeCheckpoint(folder, snapshotAt(step));
    assertEquals(await checkpointSteps(folder), [9, 20, 30, 100]);
    await writeCheckpoint(folder, snapshotAt(31), { keep: 3 });
    assertEquals(await checkpointSteps(folder), [20, 30, 31]);
    await writeCheckpoint(folder, snapshotAt(31), { keep: 1 });
    assertEquals(names(folder), ["checkpoint-31"]);
    for (const keep of [0, 1.5, NaN]) {
      await assertRejects(
        () => writeCheckpoint(folder, snapshotAt(32), { keep }),
        OptionError,
        "keep: expected a whole",
      );
    }
  });
});

Deno.test("a checkpoint with any byte changed, or cut at any length, is refused with its path", async () => {
  await inFolder(async (folder) => {
    const path = await writeCheckpoint(folder, snapshotAt(12));
    const original = await readCheckpoint(path);
    for (const name of ["tensors.safetensors", "state.json"]) {
      const file = `${path}/${name}`;
      const bytes = await Deno.readFile(file);
      for (let at = 0; at < bytes.length; at++) {
        const changed = bytes.slice();
        changed[at] ^= 1 << (at % 8);
        await Deno.writeFile(file, changed);
        const flipped = await readCheckpoint(path).catch((error) => error);
        if (flipped instanceof Error) {
          assert(flipped instanceof CheckpointError, `byte ${at} of ${name}: ${flipped.stack}`);
          assertStringIncludes(flipped.message, path);
        } else assertEquals(flipped.progress, original.progress, `byte ${at} of ${name} may be white space, no more`);
        await Deno.writeFile(file, bytes.subarray(0, at));
        const error = await readCheckpoint(path).catch((error) => error);
        const harmless = name === "state.json" && at === bytes.length - 1; // the line feed at the end
        assert(harmless || error instanceof CheckpointError, `${name} cut to ${at} bytes: ${error}`);
      }
      await Deno.remove(file);
      await assertRejects(() => readCheckpoint(path), CheckpointError, `${path} is not a whole checkpoint: ${name}`);
      await Deno.writeFile(file, bytes);
    }
    assertEquals((await readCheckpoint(path)).progress, original.progress);
  });
});

Deno.test("readCheckpoint() refuses the files of two checkpoints mixed up, and another version", async () => {
  await inFolder(async (folder) => {
    const one = await writeCheckpoint(folder, snapshotAt(12));
    const two = await writeCheckpoint(folder, snapshotAt(13));
    await Deno.copyFile(`${two}/tensors.safetensors`, `${one}/tensors.safetensors`);
    await assertRejects(() => readCheckpoint(one), CheckpointError, `${one} is damaged: tensors.safetensors does not`);
    const state = await Deno.readTextFile(`${two}/state.json`);
    await Deno.writeTextFile(`${two}/state.json`, state.replace('"version": 1', '"version": 2'));
    await assertRejects(
      () => readCheckpoint(two),
      CheckpointError,
      "expected a checkpoint of version 1, found version 2",
    );
  });
});

Deno.test("latestCheckpoint() takes the highest step, also from checkpoint-9 to checkpoint-10", async () => {
  await inFolder(async (folder) => {
    for (const step of [10, 9]) await writeCheckpoint(folder, snapshotAt(step));
    await Deno.writeTextFile(`${folder}/checkpoint-notes.txt`, "");
    const { path, snapshot } = await latestCheckpoint(`${folder}/`, silent);
    assertEquals([path, snapshot.progress.step], [`${folder}/checkpoint-10`, 10]);
  });
});

Deno.test("latestCheckpoint() falls back from a damaged one, names it, and gives up when all are", async () => {
  await inFolder(async (folder) => {
    for (const step of [10, 20, 30]) await writeCheckpoint(folder, snapshotAt(step));
    const lines: string[] = [];
    const warn = (line: string) => lines.push(line);
    await Deno.truncate(`${folder}/checkpoint-30/tensors.safetensors`, 100);
    await Deno.remove(`${folder}/checkpoint-20/state.json`);
    assertEquals((await latestCheckpoint(folder, warn)).path, `${folder}/checkpoint-10`);
    assertEquals(lines.length, 2);
    assertStringIncludes(lines[0], `${folder}/checkpoint-30 is damaged`);
    assertStringIncludes(lines[1], `${folder}/checkpoint-20 is not a whole checkpoint`);
    assert(lines.every((line) => !line.includes("\n")));
    await Deno.writeTextFile(`${folder}/checkpoint-10/state.json`, "{}");
    await assertRejects(
      () => latestCheckpoint(folder, warn),
      CheckpointError,
      `${folder} holds no checkpoint that can be used. ${folder}/checkpoint-30 is damaged`,
    );
  });
});

Deno.test("latestCheckpoint() takes the folder of one checkpoint, and does not fall back from it", async () => {
  await inFolder(async (folder) => {
    const path = await writeCheckpoint(folder, snapshotAt(10));
    const later = await writeCheckpoint(folder, snapshotAt(20));
    assertEquals((await latestCheckpoint(path, silent)).path, path);
    await Deno.rename(path, `${folder}/best`);
    assertEquals((await latestCheckpoint(`${folder}/best/`, silent)).path, `${folder}/best`);
    await Deno.remove(`${later}/state.json`);
    await assertRejects(() => latestCheckpoint(later, silent), CheckpointError, later);
  });
});

Deno.test("latestCheckpoint() says so when there is no checkpoint or no folder", async () => {
  await inFolder(async (folder) => {
    await assertRejects(() => latestCheckpoint(folder, silent), CheckpointError, `${folder} holds no checkpoint.`);
    await assertRejects(
      () => latestCheckpoint(`${folder}/none`, silent),
      CheckpointError,
      `${folder}/none cannot be looked`,
    );
    assertEquals(await checkpointSteps(`${folder}/none`), []);
  });
});

Deno.test("leftovers of a killed process are not read, and the next write clears them up", async () => {
  await inFolder(async (folder) => {
    await writeCheckpoint(folder, snapshotAt(10));
    await Deno.mkdir(`${folder}/.checkpoint-20.123.tmp`);
    await Deno.writeTextFile(`${folder}/.checkpoint-20.123.tmp/tensors.safetensors`, "half");
    await Deno.writeTextFile(`${folder}/.config.tmp`, "another's");
    assertEquals((await latestCheckpoint(folder, silent)).path, `${folder}/checkpoint-10`);
    await writeCheckpoint(folder, snapshotAt(15));
    assertEquals(names(folder), [".config.tmp", "checkpoint-10", "checkpoint-15"]);
  });
});

Deno.test("a checkpoint set aside by a process killed while replacing it is read, and gets its name back", async () => {
  await inFolder(async (folder) => {
    await Deno.rename(await writeCheckpoint(folder, snapshotAt(10)), `${folder}/checkpoint-10.old`);
    assertEquals((await latestCheckpoint(folder, silent)).snapshot.progress.step, 10);
    await writeCheckpoint(folder, snapshotAt(15));
    assertEquals(names(folder), ["checkpoint-10", "checkpoint-15"]);
    await Deno.mkdir(`${folder}/checkpoint-15.old`);
    await writeCheckpoint(folder, snapshotAt(20));
    assertEquals(names(folder), ["checkpoint-10", "checkpoint-15", "checkpoint-20"]);
  });
});

Deno.test("writeCheckpoint() says which folder cannot be written to, and leaves nothing behind", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const error = await assertRejects(() => writeCheckpoint(`${folder}/file/run`, snapshotAt(1)), ThinnedError);
    assertStringIncludes(error.message, `A checkpoint cannot be written to ${folder}/file/run: `);
    await assertRejects(() => writeCheckpoint(`${folder}/file`, snapshotAt(1)), CheckpointError, `to ${folder}/file: `);
    await Deno.writeTextFile(`${folder}/checkpoint-7.old`, "in the way");
    await Deno.writeTextFile(`${folder}/checkpoint-7`, "in the way");
    assertEquals(await writeCheckpoint(folder, snapshotAt(7)), `${folder}/checkpoint-7`);
    assertEquals(names(folder), ["checkpoint-7", "file"]);
  });
});

Deno.test({
  name: "without permissions, checkpoints name the flags that are missing",
  permissions: { read: ["/granted"], write: [] },
  async fn() {
    await assertRejects(
      () => writeCheckpoint("runs/a", snapshotAt(1)),
      PermissionError,
      "run it with --allow-read=runs/a --allow-write=runs/a.",
    );
    await assertRejects(
      () => writeCheckpoint("/granted/a", snapshotAt(1)),
      PermissionError,
      "with --allow-write=/granted/a.",
    );
    await assertRejects(() => latestCheckpoint("runs/a/", silent), PermissionError, "run it with --allow-read=runs/a.");
    await assertRejects(() => readCheckpoint("runs/a"), PermissionError, "--allow-read=runs/a.");
  },
});
