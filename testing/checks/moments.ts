/**
 * Checks of means and variances over draws. An entry that takes two values has its mean by how often it takes each, which is
 * compared with the count that the claim would give; the mean of any other is held to a bound for any distribution of a known
 * range, of which that of the draws is taken.
 *
 * @module
 */
import { Key, Tensor } from "../../core/mod.ts";
import { LEVEL, logTail, meanAllowance } from "../chance.ts";
import { Draws } from "../draws.ts";
import type { Column, Panel } from "../panel.ts";
import { applies, ensure } from "../report.ts";

function short(value: number): string {
  return String(Number(value.toPrecision(5)));
}

/** The two values of a column and how often it takes the first; null if it takes more. One that takes one has it twice. */
function twoValues(values: Float64Array): { first: number; second: number; count: number } | null {
  const first = values[0];
  const near = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
  let [second, count] = [first, 0];
  for (const value of values) {
    if (near(value, first)) count++;
    else if (second === first) second = value;
    else if (!near(value, second)) return null;
  }
  return { first, second, count };
}

/**
 * Throws unless the mean of each column, and that of all, is what is expected of it.
 *
 * @param otherwise whether the rate of dropping is another than the one asked for, which may be as small as it likes
 */
function expectMeans(
  panel: Panel,
  wanted: (column: Column) => number,
  of: (y: number, column: Column) => number,
  what: string,
  otherwise: boolean,
) {
  const where = Draws.circumstances(panel);
  const tested = panel.columns.length;
  const level = Math.log(LEVEL / tested);
  let chosen = false;
  const pooled = { found: 0, trials: 0, low: 1, high: 0 };
  const rest: { values: Float64Array; target: number; size: number }[] = [];
  for (const column of panel.columns) {
    const values = column.values.map((y) => of(y, column));
    const target = wanted(column);
    const place = panel.axes.map((axis, k) => `${axis} ${column.at[k]}`).join(", ");
    const size = Math.max(Math.abs(target), ...values.map(Math.abs));
    const two = twoValues(values);
    const fail = (found: string) =>
      `expected the ${what} of the entry at ${place} to be ${short(target)}, found ${found} (${where})`;
    if (two === null) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
      const range = Math.max(...values) - Math.min(...values);
      const allowed = meanAllowance(variance, range, values.length, level) + 1e-9 * size;
      ensure(Math.abs(mean - target) <= allowed, () => fail(`${short(mean)}, more than ${short(allowed)} away`));
      if (target !== 0) rest.push({ values, target, size });
      continue;
    }
    const { first, second, count } = two;
    if (second === first) {
      const kept = Math.abs(first - target) <= 2e-5 * Math.max(size, 1e-300);
      // One value may be all that was met of two.
      const rare = panel.request.rate;
      const unmet = rare === undefined || values.length * Math.log(Math.max(rare, 1 - rare)) > level ||
        otherwise && values.length * Math.log(first === 0 ? 1 : target / first) > level;
      ensure(kept || unmet, () => fail(`${short(first)} in all of ${values.length} draws`));
      // Without the columns that met one value, the others have met the rare one more often than it comes.
      chosen ||= !kept;
      continue;
    }
    // How often the first would have to come for the mean to be the target.
    const share = (target - second) / (first - second);
    const slack = 4e-5 * size / Math.abs(first - second);
    const mean = (first * count + second * (values.length - count)) / values.length;
    const [low, high] = [Math.min(1, Math.max(0, share - slack)), Math.max(0, Math.min(1, share + slack))];
    const possible = share >= -slack && share <= 1 + slack;
    ensure(
      possible && logTail(count, values.length, low, high) >= level,
      () => fail(`${short(mean)} in ${values.length} draws of ${short(first)} or ${short(second)}`),
    );
    // Columns are turned alike: the value further from 0 is that of what is kept.
    const turned = Math.abs(first) >= Math.abs(second);
    pooled.found += turned ? count : values.length - count;
    pooled.trials += values.length;
    pooled.low = Math.min(pooled.low, turned ? low : 1 - high);
    pooled.high = Math.max(pooled.high, turned ? high : 1 - low);
  }
  const { sharing } = panel;
  const independent = !chosen && !sharing.entries && !sharing.examples && !sharing.rows;
  ensure(
    !independent || logTail(pooled.found, pooled.trials, pooled.low, pooled.high) >= Math.log(LEVEL),
    () =>
      `expected the ${what} over all entries to be what is claimed, which needs between ${short(pooled.low)} and ` +
      `${short(pooled.high)} of the larger value, found ${short(pooled.found / pooled.trials)} (${where})`,
  );
  if (rest.length === 0) return;
  const count = rest[0].values.length;
  const relative = Float64Array.from({ length: count }, (_, draw) => {
    return rest.reduce((sum, { values, target }) => sum + values[draw] / target, 0) / rest.length;
  });
  const mean = relative.reduce((sum, value) => sum + value, 0) / count;
  const variance = relative.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const allowed = meanAllowance(variance, Math.max(...relative) - Math.min(...relative), count, Math.log(LEVEL)) + 4e-5;
  ensure(
    Math.abs(mean - 1) <= allowed,
    () => `expected the ${what} over all entries to be what is claimed, found ${short(mean)} times that (${where})`,
  );
}

/** Every panel of both modes. */
function* all(draws: Draws): Generator<Panel> {
  yield* draws.panels("train");
  yield* draws.panels("sample");
}

const precision = `; a right one fails with a probability below ${LEVEL} a panel`;

/** The mean over draws is what the claims say. */
export function mean(draws: Draws): string {
  const { claims, rates } = draws.trial;
  const claim = claims.mean;
  applies(claim !== undefined, "nothing is claimed");
  applies(claim === "kept" || rates.length > 0, "there is no rate to scale by");
  applies(claims.draw !== "fixed", `${draws.label}: masks are drawn once`);
  const tried: string[] = [];
  for (const panel of all(draws)) {
    const { rate } = panel.request;
    const factor = claim === "kept" ? 1 : 1 - rate!;
    const otherwise = claims.dropped === "otherwise";
    expectMeans(panel, ({ plain }) => plain * factor, (y) => y, "mean", otherwise);
    if (rate !== undefined) tried.push(rate.toFixed(3));
  }
  const what = claim === "kept" ? "the mean is kept" : "the mean is that of the input times the keep probability";
  return `${what}${tried.length === 0 ? "" : ` at rates ${[...new Set(tried)].sort().join(", ")}`}${precision}`;
}

/** The variance over draws is what the claims say. */
export function variance(draws: Draws): string {
  const { claims, rates } = draws.trial;
  applies(claims.variance !== undefined, "nothing is claimed");
  applies(rates.length > 0, "there is no rate to compute it from");
  applies(claims.draw !== "fixed", `${draws.label}: masks are drawn once`);
  const tried: string[] = [];
  for (const panel of all(draws)) {
    const rate = panel.request.rate!;
    expectMeans(
      panel,
      ({ plain }) => plain ** 2 * rate / (1 - rate),
      (y, { plain }) => (y - plain) ** 2,
      "variance",
      false,
    );
    tried.push(rate.toFixed(3));
  }
  return `the variance is x^2 rate / (1 - rate) at rates ${[...new Set(tried)].sort().join(", ")}${precision}`;
}

/** Inputs of mean 0 and variance 1 keep both, if the claims say so. */
export function moments(draws: Draws): string {
  const { trial } = draws;
  const { site } = trial;
  applies(trial.claims.moments !== undefined, "nothing is claimed");
  applies(site.batched && site.inputType !== "int32", `${site.label}: no input to choose`);
  const pick = trial.picker("normal input");
  const passes = 600;
  for (const mode of ["train", "sample"] as const) {
    for (const rate of trial.rates.length === 0 ? [undefined] : [pick.real(0.05, 0.3), pick.real(0.3, 0.75)]) {
      const subject = trial.subject({ rate, progress: trial.moment(pick, pick.whole(0, 3), 4) });
      const found = [new Float64Array(passes), new Float64Array(passes)];
      for (let step = 0; step < passes; step++) {
        const key = Key.seed(trial.seed).at("exam").at(mode).atStep(step);
        const x = site.inputShapes.map((shape, i) => Tensor.normal([16, ...shape], key.at(`${i}`), "float64"));
        const y = subject.output(x, { mode, step }).floats;
        let [sum, squares] = [0, 0];
        for (let i = 0; i < y.length; i++) [sum, squares] = [sum + y[i], squares + y[i] ** 2];
        [found[0][step], found[1][step]] = [sum / y.length, squares / y.length];
      }
      found.forEach((values, i) => {
        const mean = values.reduce((sum, value) => sum + value, 0) / passes;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (passes - 1);
        const allowed = meanAllowance(variance, Math.max(...values) - Math.min(...values), passes, Math.log(LEVEL));
        const what = i === 0 ? "mean" : "mean square";
        const at = rate === undefined ? "" : ` at rate ${rate.toFixed(3)}`;
        ensure(
          Math.abs(mean - i) <= allowed,
          () =>
            `expected the ${what} of the output for normal input${at} in mode ${mode} to be ${i} within ` +
            `${short(allowed)}, found ${short(mean)} in ${passes} passes`,
        );
      });
    }
  }
  return `mean 0 and variance 1 are kept, in ${passes} passes of each mode${precision}`;
}
