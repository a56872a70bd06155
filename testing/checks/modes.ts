/** Checks of the modes: that training drops, evaluation does not draw, and Monte Carlo passes do. @module */
import {
  type Backend,
  currentBackend,
  keepProbability,
  noGrad,
  rateThreshold,
  Tensor,
  useBackend,
} from "../../core/mod.ts";
import type { Picker } from "../chance.ts";
import { applies, ensure } from "../report.ts";
import { sameBits, type Trial, TRIES } from "../trial.ts";

/** Sizes of batches that are evaluated: common ones, and others at random. */
function batchSizes(pick: Picker): number[] {
  return pick.shuffled([
    1,
    2,
    3,
    8,
    16,
    17,
    32,
    64,
    100,
    128,
    pick.whole(4, 15),
    pick.whole(18, 60),
    pick.whole(65, 150),
  ]);
}

/** An example is evaluated alike whatever stands beside it. */
export function evaluationOfBatches(trial: Trial): string {
  const pick = trial.picker("batches");
  for (const [i, batch] of batchSizes(pick).entries()) {
    const rate = trial.rates.length === 0 ? undefined : pick.of([pick.real(0.05, 0.5), pick.real(0.5, 0.95)]);
    const dtype = i % 2 === 0 ? "float64" : "float32";
    const subject = trial.subject({ rate, dtype, progress: trial.moment(pick, i % 4, 4) });
    const x = subject.inputs(batch);
    const whole = subject.output(x, { mode: "eval" });
    const few = pick.whole(1, Math.min(5, batch));
    const part = subject.output(x.map((input) => firstRows(input, few)), { mode: "eval" });
    const tolerance = dtype === "float32" ? 1e-5 : 1e-11;
    part.floats.forEach((value, at) => {
      const wanted = whole.floats[at];
      ensure(
        Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted)),
        () =>
          `expected an example to be evaluated alike in batches of ${batch} and ${few}, found ${wanted} and ${value} at ` +
          `entry ${at} in ${dtype}`,
      );
    });
  }
  return "an example is evaluated alike in batches of any size";
}

function firstRows(x: Tensor, count: number): Tensor {
  if (x.dtype !== "int32") return noGrad(() => x.slice([0], [count]));
  return Tensor.from(x.ints.slice(0, count * (x.size / x.shape[0])), [count, ...x.shape.slice(1)]);
}

/** Training gives something else than evaluation, unless it is said that nothing is drawn. */
export function drops(trials: readonly Trial[]): string {
  const active = trials.filter((trial) => trial.findMoment());
  if (trials.every(({ claims }) => claims.draw === "none")) {
    ensure(active.length === 0, "expected an output in training like the one at evaluation, found another");
    return "training gives what evaluation gives, as claimed";
  }
  ensure(active.length > 0, "expected an output in training that differs from what stands there, found the same");
  const rates = active[0].rates.length === 0 ? "" : ` at ${active[0].rates.join(", ")} for a drop rate of 0.5`;
  return `training differs from evaluation${rates}: ${active.map((trial) => trial.site.label).join(", ")}`;
}

/** Evaluation is the same whatever the step, the sample and the seed, and draws nothing. */
export function evaluation(trial: Trial): string {
  trial.findMoment();
  const subject = trial.subject({ rate: 0.5 });
  const other = trial.subject({ rate: 0.5, seed: trial.seed + 1 });
  other.copyFrom(subject);
  const x = subject.inputs(5);
  const first = subject.output(x, { mode: "eval", step: 0 });
  // Masks that are drawn once may be dealt out by the examples' numbers.
  const runs = trial.claims.draw === "fixed"
    ? [{ step: 0 }, { step: 1 }]
    : [{ step: 0 }, { step: 1 }, { step: 0, sample: 100 }];
  for (const run of runs as { step: number; sample?: number }[]) {
    const name = `step ${run.step}, samples from ${run.sample ?? 0} on`;
    const message = `expected an evaluation that does not change, found another at ${name}`;
    ensure(sameBits(first, subject.output(x, { mode: "eval", ...run })), message);
  }
  const message = "expected an evaluation that does not depend on the seed, found another";
  ensure(sameBits(first, other.output(x, { mode: "eval", step: 0 })), message);
  for (const mode of ["eval", "sample"] as const) {
    const before = [...subject.state().values()];
    subject.output(x, { mode, goOn: true });
    const after = [...subject.state().values()];
    const changed = before.findIndex((tensor, i) => !sameBits(tensor, after[i]));
    ensure(changed < 0, `expected mode ${mode} to leave the running state alone, found it changed`);
  }
  const drawn = countDraws(() => {
    const single = trial.subject({ rate: 0.5, dtype: "float32" });
    return () => single.output(single.inputs(5), { mode: "eval" });
  });
  ensure(drawn === 0, `expected no draw at evaluation, found ${drawn}`);
  return "evaluation is the same for every step, sample and seed, and draws nothing";
}

/** Number of calls of kernels that draw while the prepared float32 computation runs. */
export function countDraws(prepare: () => () => unknown): number {
  const run = prepare();
  const before = currentBackend();
  let draws = 0;
  const counting: Backend = {
    info: () => before.info(),
    allocate: before.allocate.bind(before),
    implement(kernel) {
      const found = before.implement(kernel) ?? kernel.twin;
      if (!kernel.parameters.some(({ kind }) => kind === "draw")) return found;
      return (...args: unknown[]) => {
        draws++;
        found(...args);
      };
    },
  };
  useBackend(counting);
  try {
    run();
  } finally {
    useBackend(before);
  }
  return draws;
}

/** What the claims say of evaluation. */
export function evaluationClaim(trial: Trial): string {
  const claim = trial.claims.eval;
  applies(claim !== undefined, "nothing is claimed");
  applies(claim === "identity" || trial.rates.length > 0, "there is no rate to scale by");
  const pick = trial.picker("evaluation");
  batchSizes(pick).forEach((batch, i) => {
    const rate = trial.rates.length === 0 ? undefined : pick.of([pick.real(0.05, 0.5), pick.real(0.5, 0.95)]);
    const dtype = i % 2 === 0 ? "float64" : "float32";
    const progress = trial.moment(pick, i % 4, 4);
    const subject = trial.subject({ rate, dtype, progress });
    const x = subject.inputs(batch, { draw: String(i) });
    const plain = noGrad(() => trial.site.plain(subject.model, x));
    const found = subject.output(x, { mode: "eval", step: pick.whole(0, 9999), sample: pick.whole(0, 999) });
    // What is drawn rounds a rate, and so is the keep probability rounded.
    const kept = rate === undefined ? 1 : keepProbability(rateThreshold(rate));
    const factor = claim === "identity" ? 1 : kept;
    const tolerance = dtype === "float32" ? 1e-5 : claim === "identity" ? 1e-12 : 2e-5;
    const at = found.floats.findIndex((value, i) => {
      const expected = plain.floats[i] * factor;
      return !(Math.abs(value - expected) <= tolerance * Math.max(1, Math.abs(expected)));
    });
    ensure(
      found.size === plain.size && at < 0,
      () =>
        `expected ${claim === "identity" ? "the input" : "the input times the keep probability"} at evaluation, ` +
        `${plain.floats[at] * factor}, found ${found.floats[at]} at entry ${at} of a batch of ${batch} in ` +
        `${dtype}${atRateText(rate)}`,
    );
  });
  return claim === "identity" ? "evaluation is the identity" : "evaluation multiplies by the keep probability";
}

function atRateText(rate: number | undefined): string {
  return rate === undefined ? "" : `, rate ${rate}`;
}

/** Monte Carlo passes draw, each anew, and the same bits again for the same pass. */
export function monteCarlo(trial: Trial): string {
  applies(trial.findMoment("sample") || trial.findMoment(), `${trial.site.label}: nothing is dropped here`);
  const subject = trial.subject({ rate: 0.5 });
  const x = subject.inputs(8);
  applies(
    trial.claims.sample !== "otherwise" && trial.claims.draw !== "fixed",
    "mode sample is said to draw otherwise",
  );
  const passes = Array.from({ length: TRIES }, (_, step) => subject.output(x, { mode: "sample", step }));
  ensure(
    passes.some((y) => !sameBits(y, passes[0])),
    "expected mode sample to draw anew for each pass, found one output",
  );
  ensure(
    Array.from({ length: TRIES }, (_, pass) => pass + 1).some((pass) =>
      !sameBits(passes[0], subject.output(x, { mode: "sample", step: 0, pass }))
    ),
    "expected mode sample to draw anew for each further pass of a step, found one output",
  );
  const again = passes.every((y, step) => sameBits(y, subject.output(x, { mode: "sample", step })));
  ensure(again, "expected the same bits from the same Monte Carlo pass, found others");
  return "each pass in mode sample has draws of its own";
}
