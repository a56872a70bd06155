/** Event files for TensorBoard: their frames, what they tell, going on, and that TensorBoard itself reads them. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { decode } from "fast-png";
import { fit, type FitOptions, type LayerPlugin, Registry, Tensor, Trainer } from "../../core/mod.ts";
import { builtins } from "../../plugins/builtins.ts";
import { dropout } from "../../plugins/dropout/dropout.ts";
import { dense } from "../../plugins/layers/dense.ts";
import { sequential } from "../../plugins/layers/sequential.ts";
import { readEvent } from "../../plugins/observers/tensor_board/_encode.ts";
import { featureImage } from "../../plugins/observers/tensor_board/_features.ts";
import { crc32c, framed, maskedCrc, records } from "../../plugins/observers/tensor_board/_records.ts";
import { tensorBoard } from "../../plugins/observers/tensor_board/tensor_board.ts";
import { histogramOf } from "../../plugins/observers/tensor_board/_values.ts";
import { copy, corners, options } from "../core/_runs.ts";
import { inFolder } from "../cli/_run.ts";

const net = (): LayerPlugin => sequential([dense(8), dropout({ rate: 0.25 }), dense(3)]);

/** Files of a folder, in the order of their names. */
async function filesOf(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => `${folder}/${name}`).sort();
}

/** All steps at which each value is told, over all files of a folder. */
async function told(folder: string): Promise<Map<string, number[]>> {
  const steps = new Map<string, number[]>();
  for (const file of await filesOf(folder)) {
    for (const { record } of records(await Deno.readFile(file))) {
      const { step, tags } = readEvent(record);
      for (const tag of tags) steps.set(tag, [...steps.get(tag) ?? [], step]);
    }
  }
  return steps;
}

Deno.test("the checksum is CRC-32C, and records are framed as TensorFlow does", () => {
  // RFC 3720, appendix B.4, and the usual check value of the algorithm.
  assertEquals(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assertEquals(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  assertEquals(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  const record = new TextEncoder().encode("123456789");
  assertEquals(maskedCrc(record), 0xc78ab0e5);
  const bytes = framed(record);
  assertEquals([...bytes.subarray(0, 8)], [9, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(new DataView(bytes.buffer).getUint32(21, true), 0xc78ab0e5);
  const two = new Uint8Array([...bytes, ...framed(record)]);
  assertEquals([...records(two)].map(({ record, end }) => [new TextDecoder().decode(record), end]), [
    ["123456789", 25],
    ["123456789", 50],
  ]);
  assertEquals([...records(two.subarray(0, 49))].length, 1, "what is not whole is left out");
  for (const place of [26, 33, 40, 48]) {
    const damaged = two.slice();
    damaged[place] ^= 1;
    assertEquals([...records(damaged)].length, 1, `a wrong bit at ${place}`);
  }
});

Deno.test("a histogram counts every number once, and first layers are drawn where they see images", () => {
  const { limits, counts, ...rest } = histogramOf([-1, 0, 0.5, 2]);
  assertEquals(rest, { min: -1, max: 2, count: 4, sum: 1.5, squares: 5.25 });
  assertEquals([counts.length, limits.at(-1), counts[0], counts.at(-1)], [30, 2, 1, 1]);
  assertEquals(counts.reduce((sum, count) => sum + count), 4);
  assertEquals(histogramOf([3, 3]), { min: 3, max: 3, count: 2, sum: 6, squares: 18, limits: [3], counts: [2] });
  assertEquals(histogramOf([]).counts, [0]);

  const weight = Tensor.from(
    Float32Array.from({ length: 4 * 64 }, (_, i) => i % 64 === 63 ? -2 : i % 64 === 0 ? 1 : 0),
    [4, 64],
  );
  const picture = featureImage(weight, [64])!;
  // Two by two features of 8 x 8 pixels, each enlarged fourfold, with lines between.
  assertEquals([picture.width, picture.height, picture.channels], [67, 67, 1]);
  const at = (x: number, y: number) => picture.data[y * picture.width + x];
  assertEquals([at(0, 0), at(1, 1), at(5, 1), at(32, 32), at(34, 34), at(66, 66)], [255, 191, 128, 0, 191, 255]);
  assertEquals(featureImage(Tensor.zeros([4, 9]), [9]), undefined, "nine columns of a table are no image");
  assertEquals(featureImage(Tensor.zeros([4, 9]), [9], [1, 3, 3])?.width, 63);
  assertEquals(featureImage(Tensor.zeros([4, 3, 5, 5]), [3, 8, 8])?.channels, 3);
  assertEquals(featureImage(Tensor.zeros([4, 16, 5, 5]), [16, 8, 8]), undefined);
});

Deno.test("a run tells its epochs, steps, weights and configuration, and a new one of its name takes its place", () =>
  inFolder(async (folder) => {
    const observers = [tensorBoard({ directory: folder, everySteps: 3 })];
    const settings = { observers, epochs: 2, name: "corners" };
    await fit(net(), options(settings));
    await fit(net(), options({ ...settings, validation: 0.2 }));
    const run = `${folder}/corners`;
    assertEquals((await filesOf(run)).length, 1);
    const found = await told(run);
    assertEquals(found.get("in training/loss"), [3, 6, 9]);
    for (
      const tag of ["loss/train", "loss/validation", "error/test", "gap/error", "weights/0.weight", "weights/2.bias"]
    ) {
      assertEquals(found.get(tag), [5, 10], tag);
    }
    for (const tag of ["configuration", "_hparams_/session_start_info"]) assertEquals(found.get(tag), [0]);
    assertEquals(found.get("_hparams_/session_end_info"), [10]);
  }));

Deno.test("a run that goes on tells no step twice, whatever an earlier process had told, and misses none", () =>
  inFolder(async (folder) => {
    const observers = [tensorBoard({ directory: folder, everySteps: 1 })];
    const settings = (more: Partial<FitOptions>) => options({ observers, epochs: 3, ...more });
    const whole = await Trainer.create(net(), settings({ name: "whole" }));
    await whole.runEpoch();
    const resume = copy(whole.snapshot());
    while (!whole.done) await whole.runEpoch();
    await whole.end();
    const run = `${folder}/whole`;
    const expected = await told(run);
    assertEquals(expected.get("in training/loss"), Array.from({ length: 21 }, (_, i) => i + 1));

    // Its process ended after three epochs, but the checkpoint that it goes on from is that of the first.
    const again = await Trainer.create(net(), settings({ name: "whole", resume }));
    while (!again.done) await again.runEpoch();
    await again.end();
    assertEquals((await filesOf(run)).length, 2);
    assertEquals(await told(run), expected);

    // The files are gone: what the snapshot remembers is told again.
    await Deno.remove(run, { recursive: true });
    const last = await Trainer.create(net(), settings({ name: "whole", resume }));
    while (!last.done) await last.runEpoch();
    await last.end();
    assertEquals((await told(run)).get("loss/train"), [7, 14, 21]);

    // A damaged end of a file is cut off.
    const [file] = await filesOf(run);
    const bytes = await Deno.readFile(file);
    await Deno.writeFile(file, bytes.subarray(0, bytes.length - 3));
    const third = await Trainer.create(net(), settings({ name: "whole", resume }));
    await third.open();
    await third.end();
    const { size } = await Deno.stat(file);
    assertEquals([...records(await Deno.readFile(file))].at(-1)!.end, size);
  }));

Deno.test("the first layer's features are a PNG image, and the observer goes by its name in configurations", () =>
  inFolder(async (folder) => {
    const observer = new Registry(builtins).create({ plugin: "tensor-board", directory: folder }, "observers.0");
    const part = { ...corners(20).train, shape: [64], inputs: new Float32Array(20 * 64).fill(0.5) };
    const data = { ...corners(20), train: part, test: part };
    await fit(net(), options({ data, epochs: 1, observers: [observer as never] }));
    const [file] = await filesOf(`${folder}/run`);
    const bytes = await Deno.readFile(file);
    const start = bytes.findIndex((_, i) => [0x89, 0x50, 0x4e, 0x47].every((byte, j) => bytes[i + j] === byte));
    const { width, height, channels } = decode(bytes.subarray(start));
    assertEquals([width, height, channels], [3 * 33 + 1, 3 * 33 + 1, 1]);
  }));

Deno.test("a folder that cannot be written to is told before the first step", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const observers = [tensorBoard({ directory: `${folder}/file` })];
    await assertRejects(
      () => fit(net(), options({ observers })),
      Error,
      `tensor-board: ${folder}/file/run cannot be written`,
    );
  }));

/** A Python that has TensorBoard: that of the environment `THINNED_PYTHON`, or the system's. */
const python = Deno.env.get("THINNED_PYTHON") ?? "python3";

async function runPython(...args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(python, { args, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

const hasTensorBoard = await runPython("-c", "import tensorboard.version") !== undefined;
if (!hasTensorBoard) {
  console.warn(
    `Event files are not read by TensorBoard: ${python} does not have it (pip install tensorboard; THINNED_PYTHON).`,
  );
}

const reader = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
events.Reload()
tags = events.Tags()
print(json.dumps({
  "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
  "histograms": {tag: [[e.step, e.histogram_value.num, e.histogram_value.max] for e in events.Histograms(tag)] for tag in tags["histograms"]},
  "images": {tag: [[e.step, e.width, e.height] for e in events.Images(tag)] for tag in tags["images"]},
  "text": events.Tensors("configuration")[0].tensor_proto.string_val[0].decode(),
  "plugin": events.SummaryMetadata("_hparams_/session_start_info").plugin_data.plugin_name,
}))
`;

Deno.test({
  name: "TensorBoard reads the numbers of the run, also when it was resumed",
  ignore: !hasTensorBoard,
  async fn() {
    await inFolder(async (folder) => {
      const part = { ...corners(20).train, shape: [64], inputs: new Float32Array(20 * 64).fill(0.5) };
      const data = { ...corners(20), train: part, test: part };
      const observers = [tensorBoard({ directory: folder, everySteps: 1 })];
      const first = await Trainer.create(net(), options({ data, epochs: 3, observers }));
      await first.runEpoch();
      const resume = copy(first.snapshot());
      await first.runEpoch();
      const second = await Trainer.create(net(), options({ data, epochs: 3, observers, resume }));
      while (!second.done) await second.runEpoch();
      const { history, model } = await second.end();
      const read = JSON.parse((await runPython("-c", reader, `${folder}/run`))!);
      for (const [tag, name] of [["loss/train", "trainLoss"], ["error/test", "testError"]] as const) {
        assertEquals(read.scalars[tag].map(([step]: number[]) => step), history.map(({ step }) => step));
        read.scalars[tag].forEach(([, value]: number[], i: number) =>
          assertAlmostEquals(value, history[i][name], 1e-6)
        );
      }
      assertEquals(read.scalars["in training/loss"].map(([step]: number[]) => step), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const [, number, max] = read.histograms["weights/0.weight"].at(-1);
      assertEquals([number, max], [8 * 64, Math.max(...model.parameters()[0].tensor.floats)]);
      assertEquals(read.images["first layer/0.weight"].map(([step]: number[]) => step), [3, 6, 9]);
      assertEquals(read.plugin, "hparams");
      const json = JSON.parse(read.text.match(/```json\n([\s\S]*)\n```/)[1]);
      assertEquals(json.model.layers[1].rate, 0.25);
      assertEquals(json.optimizer.plugin, "sgd");
      assert(json.batchSize === 8 && json.loss.plugin === "cross-entropy");
    });
  },
});
