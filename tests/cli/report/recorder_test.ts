/** Recording a run: nothing of it changes, and a run that goes on keeps what belongs to the epochs done. */
import { assert, assertEquals } from "@std/assert";
import {
  hasTime,
  type ObservationLine,
  OBSERVATIONS,
  readObservations,
  Recorder,
} from "../../../cli/report/recorder.ts";
import {
  batchNorm,
  dense,
  digits,
  dropConnect,
  dropout,
  type FitOptions,
  gapDropout,
  holdBack,
  loadDataset,
  relu,
  sequential,
  sgd,
  Trainer,
} from "../../../mod.ts";
import { inFolder } from "../_run.ts";

const data = holdBack(await loadDataset(digits({ train: 150, test: 60 })), 0.2, 1);

const net = () =>
  sequential([
    dropout({ rate: gapDropout() }),
    dense(20, { weight: dropConnect() }),
    batchNorm(),
    relu(),
    dense(10),
  ]);

const create = (more: Partial<FitOptions> = {}) =>
  Trainer.create(net(), {
    data,
    optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
    epochs: 4,
    batchSize: 20,
    seed: 5,
    ...more,
  });

const bits = (trainer: Trainer) => [...trainer.snapshot().tensors].map(([name, tensor]) => [name, [...tensor.floats]]);

Deno.test("recording changes no bit of training", () =>
  inFolder(async (folder) => {
    const [plain, recorded] = [await create(), await create()];
    const recorder = await Recorder.of(recorded, data, folder);
    while (!plain.done) await plain.runEpoch();
    while (!recorded.done) {
      await recorder.runEpoch();
      await recorder.record(); // also in epochs for which there is no time
    }
    assertEquals(bits(recorded), bits(plain));
    assertEquals(recorded.snapshot().progress.schedules, plain.snapshot().progress.schedules);
    const lines = await readObservations(`${folder}/${OBSERVATIONS}`);
    assertEquals(
      lines.map(({ epoch, step, sample }) => [epoch, step, sample]),
      [1, 2, 3, 4].map((e) => [e, 6 * e, 120]),
    );
    assertEquals(Object.keys(lines[0].sites), ["0", "1.weight"]);
    assertEquals(Object.keys(lines[0].layers), ["3"]);
    assert(lines.every(({ seconds }, i) => seconds.recording > (lines[i - 1]?.seconds.recording ?? 0)));
  }));

Deno.test("a run that goes on keeps the lines of the epochs done, and drops later ones", () =>
  inFolder(async (folder) => {
    const whole = await create();
    const recorder = await Recorder.of(whole, data, folder);
    let snapshot: ReturnType<Trainer["snapshot"]> | undefined;
    while (!whole.done) {
      await recorder.runEpoch();
      await recorder.record();
      if (whole.epoch !== 2) continue;
      const { tensors, progress } = whole.snapshot();
      snapshot = { progress, tensors: new Map([...tensors].map(([name, tensor]) => [name, tensor.clone()])) };
    }
    const path = `${folder}/${OBSERVATIONS}`;
    const before = await readObservations(path);
    await Deno.writeTextFile(path, '{"epoch":5,"cut o', { append: true });

    const resumed = await create({ resume: snapshot });
    const second = await Recorder.of(resumed, data, folder);
    while (!resumed.done) {
      await second.runEpoch();
      await second.record();
    }
    const timeless = (lines: readonly ObservationLine[]) => lines.map(({ seconds: _, ...line }) => line);
    const after = await readObservations(path);
    assertEquals(timeless(after), timeless(before));
    assertEquals(after[1], before[1]);
    assert(after[2].seconds.recording > before[1].seconds.recording);
  }));

Deno.test("recording takes one part in seventy of the time of steps, or 20 ms an epoch where that is more", () => {
  const spent = { epochs: 10, steps: 100_000, recorded: 5, recording: 1200, last: 300 };
  assert(hasTime(spent));
  assert(!hasTime({ ...spent, recording: 1201 }));
  assert(hasTime({ ...spent, steps: 0, recording: 180, last: 20 }));
  assert(!hasTime({ ...spent, steps: 0, recording: 181, last: 20 }));
  assert(hasTime({ epochs: 1, steps: 0, recorded: 0, recording: 0, last: 0 }));
});
