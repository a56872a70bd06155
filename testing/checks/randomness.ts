/** Checks of what draws depend on: the key, the step and the sample, and nothing else. @module */
import { noGrad, Tensor } from "../../core/mod.ts";
import { applies, ensure } from "../report.ts";
import { sameBits, type Subject, type Trial, TRIES } from "../trial.ts";

const ROWS = 8;

/** Throws `NotApplicable` for a trial in which the variant does nothing. */
function active(trial: Trial): Subject {
  applies(trial.findMoment(), `${trial.site.label}: nothing is dropped here`);
  return trial.subject({ rate: 0.5 });
}

/** Whether something holds at one of the steps that are tried, of which even one draw a pass gives no two alike. */
function once(holds: (step: number) => boolean): boolean {
  return Array.from({ length: TRIES }, (_, step) => step).some(holds);
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
  applies(trial.claims.draw !== "fixed", "masks are said to be drawn once, and saved");
  const other = trial.subject({ rate: 0.5, seed: trial.seed + 1 });
  other.copyFrom(subject);
  const x = subject.inputs(ROWS);
  const differ = once((step) => !sameBits(subject.output(x, { step }), other.output(x, { step })));
  ensure(differ, `expected other bits from another seed, found the same in ${TRIES} steps`);
  return "other bits from another seed";
}

/** Another step gives other bits. */
export function otherStep(trial: Trial): string {
  const subject = active(trial);
  applies(trial.claims.draw !== "fixed", "masks are said to be drawn once");
  const x = subject.inputs(ROWS);
  const first = subject.output(x, { step: 0 });
  ensure(
    once((step) => !sameBits(first, subject.output(x, { step }))),
    `expected other bits from another step, found the same in ${TRIES} steps`,
  );
  return "other bits from another step";
}

/** Each example has draws of its own, or all have the same, as the site, the mask or the claims say. */
export function otherSample(trial: Trial): string {
  const { site } = trial;
  const subject = active(trial);
  applies(trial.claims.draw !== "fixed", "masks are said to be drawn once");
  const { axes, group } = trial.sharing();
  const rows = ROWS + group;
  const x = subject.inputs(rows, { equal: true });
  const far = 100 * group;
  const moves = (step: number) => !sameBits(subject.output(x, { step }), subject.output(x, { step, sample: far }));
  if (!site.batched) {
    ensure(!once(moves), `expected one draw for all parts of a batch, found another for samples from ${far} on`);
    return `${site.label}: one draw for all parts of a batch`;
  }
  const laidDown = site.samples || trial.claims.draw !== undefined;
  applies(laidDown || !axes.has("examples"), `${site.label}: who shares a draw is not laid down`);
  const row = (y: Tensor, i: number) => y.slice([i], [i + 1]);
  const rowsDiffer = (step: number) =>
    noGrad(() => {
      const y = subject.output(x, { step });
      const first = row(y, 0);
      return Array.from({ length: rows }, (_, i) => i).some((i) => !sameBits(row(y, i), first));
    });
  if (axes.has("examples")) {
    ensure(!once(rowsDiffer), "expected all examples to share a draw, found rows that differ");
    ensure(!once(moves), `expected all parts of a batch to share a draw, found another for samples from ${far} on`);
    return "all examples share a draw";
  }
  const claim = 'a variant whose examples share a draw claims draw: "batch"';
  ensure(once(rowsDiffer), `expected a draw for each example, found equal rows in ${TRIES} steps; ${claim}`);
  ensure(
    once(moves),
    `expected other bits from other samples, found the same for samples from 0 and from ${far} on; ${claim}`,
  );
  return "other bits from another sample";
}

/** A batch in parts gives the rows of the whole. */
export function split(trial: Trial): string {
  const subject = active(trial);
  const mixed = trial.sharing().examples && trial.claims.adaptive === true;
  applies(!mixed, "what becomes of an example is said to depend on the values of the others of its batch");
  const pick = trial.picker("split");
  for (let turn = 0; turn < 6; turn++) {
    const sizes = [[1, 2, 3], [17], [pick.whole(1, 9), pick.whole(1, 9), 1]][turn % 3];
    const size = sizes.reduce((sum, count) => sum + count, 0) + (turn % 3 === 1 ? pick.whole(1, 15) : 0);
    const [step, sample] = [pick.whole(0, 2 ** 16), pick.whole(0, 2 ** 12)];
    const mode = turn < 3 ? "train" : "sample";
    const x = subject.inputs(size);
    const whole = subject.output(x, { mode, step, sample });
    let first = 0;
    for (const count of [...sizes, size - sizes.reduce((sum, count) => sum + count, 0)]) {
      if (count === 0) continue;
      const rows = x.map((input) => take(input, first, first + count));
      const part = subject.output(rows, { mode, step, sample: sample + first });
      const expected = trial.site.batched ? take(whole, first, first + count) : whole;
      ensure(
        sameBits(part, expected),
        `expected the same bits whatever the split of a batch, found others for rows ${first} to ` +
          `${first + count - 1} of ${size} by themselves, at step ${step} in mode ${mode}`,
      );
      first += count;
    }
  }
  return "the same bits for a batch in one part and in several";
}

/** Some rows of a tensor, of any type. */
function take(x: Tensor, from: number, to: number): Tensor {
  if (x.dtype !== "int32") return noGrad(() => x.slice([from], [to]));
  const size = x.shape.slice(1).reduce((product, extent) => product * extent, 1);
  return Tensor.from(x.ints.slice(from * size, to * size), [to - from, ...x.shape.slice(1)]);
}
