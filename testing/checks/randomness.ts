/** Checks of what draws depend on: the key, the step and the sample, and nothing else. @module */
import { noGrad, Tensor } from "../../core/mod.ts";
import { applies, ensure } from "../report.ts";
import { sameBits, type Subject, type Trial } from "../trial.ts";

/** Enough that even a variant with one draw a pass gives all the same by chance only once in millions. */
const STEPS = 24;
const ROWS = 8;

/** Throws `NotApplicable` for a trial in which the variant does nothing. */
function active(trial: Trial): Subject {
  applies(trial.findMoment(), `${trial.site.label}: nothing is dropped here`);
  return trial.subject({ rate: 0.5 });
}

/** Outputs of some steps. */
function outputs(subject: Subject, x: readonly Tensor[], sample = 0): Tensor[] {
  return Array.from({ length: STEPS }, (_, step) => subject.output(x, { step, sample }));
}

/** The same arguments give the same bits, also in a model built anew. */
export function sameKey(trial: Trial): string {
  const subject = active(trial);
  const again = trial.subject({ rate: 0.5 });
  const x = subject.inputs(ROWS);
  for (let step = 0; step < 4; step++) {
    const first = subject.output(x, { step });
    const same = "expected the same bits from the same key";
    ensure(sameBits(first, subject.output(x, { step })), `${same}, found others when step ${step} was run again`);
    ensure(sameBits(first, again.output(x, { step })), `${same}, found others in a model built anew, at step ${step}`);
  }
  return "the same bits, also in a model built anew";
}

/** Another seed gives other bits. */
export function otherKey(trial: Trial): string {
  const subject = active(trial);
  const other = trial.subject({ rate: 0.5, seed: trial.seed + 1 });
  other.copyFrom(subject);
  const x = subject.inputs(ROWS);
  const [ours, theirs] = [outputs(subject, x), outputs(other, x)];
  const differ = ours.some((y, step) => !sameBits(y, theirs[step]));
  ensure(differ, `expected other bits from another seed, found the same in ${STEPS} steps`);
  return "other bits from another seed";
}

/** Another step gives other bits. */
export function otherStep(trial: Trial): string {
  const subject = active(trial);
  const all = outputs(subject, subject.inputs(ROWS));
  ensure(
    all.some((y) => !sameBits(y, all[0])),
    `expected other bits from another step, found the same in ${STEPS} steps`,
  );
  return "other bits from another step";
}

/** Each example has draws of its own, or all have the same, as the site or the claims say. */
export function otherSample(trial: Trial): string {
  const { site, sharesBatch } = trial;
  const subject = active(trial);
  const x = subject.inputs(ROWS, { equal: true });
  const [first, later] = [outputs(subject, x, 0), outputs(subject, x, 100)];
  const moves = first.some((y, step) => !sameBits(y, later[step]));
  if (!site.batched) {
    ensure(!moves, "expected one draw for all parts of a batch, found another for samples from 100 on");
    return `${site.label}: one draw for all parts of a batch`;
  }
  applies(site.samples || sharesBatch, `${site.label}: who shares a draw is not laid down`);
  const row = (y: Tensor, i: number) => y.slice([i], [i + 1]);
  const rowsDiffer = noGrad(() =>
    first.some((y) => Array.from({ length: ROWS }, (_, i) => i).some((i) => !sameBits(row(y, i), row(y, 0))))
  );
  if (sharesBatch) {
    ensure(!rowsDiffer, "expected all examples to share a draw, found rows that differ");
    ensure(!moves, "expected all parts of a batch to share a draw, found another for samples from 100 on");
    return "all examples share a draw";
  }
  const claim = 'a variant whose examples share a draw claims draw: "batch"';
  ensure(rowsDiffer, `expected a draw for each example, found equal rows in ${STEPS} steps; ${claim}`);
  ensure(moves, `expected other bits from other samples, found the same for samples from 0 and from 100 on; ${claim}`);
  return "other bits from another sample";
}

/** A batch in parts gives the rows of the whole. */
export function split(trial: Trial): string {
  const subject = active(trial);
  const x = subject.inputs(6);
  for (let step = 0; step < 4; step++) {
    const whole = subject.output(x, { step, sample: 5 });
    let first = 0;
    for (const count of [1, 2, 3]) {
      const rows = x.map((input) => take(input, first, first + count));
      const part = subject.output(rows, { step, sample: 5 + first });
      const expected = trial.site.batched ? take(whole, first, first + count) : whole;
      ensure(
        sameBits(part, expected),
        `expected the same bits whatever the split of a batch, found others for rows ${first} to ` +
          `${first + count - 1} of 6 by themselves, at step ${step}`,
      );
      first += count;
    }
  }
  return "the same bits for a batch in one part and in three";
}

/** Some rows of a tensor, of any type. */
function take(x: Tensor, from: number, to: number): Tensor {
  if (x.dtype !== "int32") return noGrad(() => x.slice([from], [to]));
  const size = x.shape.slice(1).reduce((product, extent) => product * extent, 1);
  return Tensor.from(x.ints.slice(from * size, to * size), [to - from, ...x.shape.slice(1)]);
}
