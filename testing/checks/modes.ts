/** Checks of the modes: that training drops, evaluation does not draw, and Monte Carlo passes do. @module */
import { type Backend, currentBackend, useBackend } from "../../core/mod.ts";
import { applies, ensure } from "../report.ts";
import { sameBits, type Trial } from "../trial.ts";

/** Training gives something else than evaluation, unless it is said that nothing is drawn. */
export function drops(trials: readonly Trial[]): string {
  const active = trials.filter((trial) => trial.findMoment());
  if (trials.every(({ claims }) => claims.draw === "none")) {
    ensure(active.length === 0, "expected an output in training like the one at evaluation, found another");
    return "training gives what evaluation gives, as claimed";
  }
  ensure(active.length > 0, "expected an output in training that differs from the one at evaluation, found the same");
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
  for (const run of [{ step: 0 }, { step: 1 }, { step: 0, sample: 100 }]) {
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
  for (const rate of trial.rates.length === 0 ? [undefined] : [0.25, 0.5]) {
    const subject = trial.subject({ rate });
    const x = subject.inputs(3);
    const plain = trial.site.plain(subject.model, x);
    const found = subject.output(x, { mode: "eval" });
    applies(claim === "identity" || rate !== undefined, "there is no rate to scale by");
    const factor = claim === "identity" ? 1 : 1 - rate!;
    const at = found.floats.findIndex((value, i) => {
      const expected = plain.floats[i] * factor;
      return !(Math.abs(value - expected) <= 1e-12 * Math.max(1, Math.abs(expected)));
    });
    ensure(
      found.size === plain.size && at < 0,
      () =>
        `expected ${claim === "identity" ? "the input" : "the input times the keep probability"} at evaluation, ` +
        `${plain.floats[at] * factor}, found ${found.floats[at]} at entry ${at}${atRateText(rate)}`,
    );
  }
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
  const passes = Array.from({ length: 24 }, (_, step) => subject.output(x, { mode: "sample", step }));
  ensure(
    passes.some((y) => !sameBits(y, passes[0])),
    "expected mode sample to draw anew for each pass, found one output",
  );
  const again = passes.every((y, step) => sameBits(y, subject.output(x, { mode: "sample", step })));
  ensure(again, "expected the same bits from the same Monte Carlo pass, found others");
  return "each pass in mode sample has draws of its own";
}
